# tests/integration/terraform/test_modules.py adds a plan that must fail, like the destroy at the end.

mock_provider "aws" { source = "../../environment/tests/mocks" }

variables {
  context           = { name = "taproom-prod", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/mocked" }
  database_name     = "beers"
  subnet_ids        = ["subnet-1", "subnet-2"]
  security_group_id = "sg-1"
  restore           = { source = "taproom-prod" }
  former_instances  = ["taproom-prod"]
}

run "a_database_is_made_and_restored" {}
