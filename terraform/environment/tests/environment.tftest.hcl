# What a whole environment is made of by options that no rehearsal has.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

mock_provider "aws" { alias = "backup_copies" }

variables {
  environment  = "dev"
  is_temporary = true
  image        = "123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  # Any file will do: nothing runs it here.
  database_bootstrap_package = "tests/mocks/package.zip"
}

run "with_a_certificate_the_service_is_https_and_neither_its_login_nor_a_write_needs_a_secret" {
  command = plan

  variables {
    certificate_arn   = "arn:aws:acm:us-east-1:123456789012:certificate/mocked"
    writes_need_token = false
    database_auth     = "iam"

    database_backup_copy_region = "eu-west-1"
    access = {
      database = "beers"
      schemas  = { beers = { owner = "beers_owner" } }
      roles    = { beers_owner = {}, beers_writer = { schemas = { beers = "write" } } }
      logins   = { beers_app = { credential = "iam", member_of = ["beers_writer"] }, beers_migrator = { credential = "rotated", acts_as = "beers_owner" } }
    }
  }

  assert {
    condition     = output.service_url == "https://taproom-dev.example"
    error_message = "The service is at ${output.service_url}."
  }

  assert {
    condition     = { for region, copy in aws_db_instance_automated_backups_replication.this : region => copy.retention_period } == { eu-west-1 = 14 } && aws_kms_key.backup_copies["eu-west-1"].enable_key_rotation
    error_message = "Backups must be copied, encrypted, and kept for as long as they are."
  }

  assert {
    condition     = keys(output.login_secret_arns) == ["beers_migrator"] && output.write_token_secret_arn == null
    error_message = "These logins have a secret: ${join(", ", keys(output.login_secret_arns))}, or writes have one."
  }
}
