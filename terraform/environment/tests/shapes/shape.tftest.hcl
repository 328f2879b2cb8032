# Each environment's variable file, given on the command line, makes a whole environment:
# terraform test -test-directory=tests/shapes -var-file=prod.tfvars

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

mock_provider "aws" { alias = "backup_copies" }

variables {
  image                      = "123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  database_bootstrap_package = "tests/mocks/package.zip"
}

run "the_environment_can_be_made" {
  command = plan

  assert {
    condition     = (output.service_url == "https://${coalesce(var.domain_name, "-")}") != var.is_temporary
    error_message = "What is not temporary must be at its domain, over HTTPS."
  }
}
