# Its second run, and the destroy at the end, must fail: tests/integration/terraform/test_modules.py runs it.

mock_provider "aws" { source = "../../environment/tests/mocks" }

variables {
  context           = { name = "taproom-prod", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/mocked" }
  database_name     = "beers"
  subnet_ids        = ["subnet-1", "subnet-2"]
  security_group_id = "sg-1"
}

run "a_database_is_made" {}

run "a_restore_that_does_not_name_the_former_instance_would_destroy_it" {
  command = plan
  variables { restore = { source = "taproom-prod" } }
}
