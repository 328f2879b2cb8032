# Who may change the catalogue, asked of a whole apply against a made-up AWS.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment                = "dev"
  is_temporary               = true
  image                      = "123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  database_bootstrap_package = "tests/mocks/package.zip"
}

run "writes_need_a_token_unless_somebody_asks_for_less" {
  assert {
    condition     = output.write_token_secret_arn != null
    error_message = "There must be a secret for the token."
  }
}

run "an_environment_can_do_without_a_token" {
  variables {
    writes_need_token = false
  }

  assert {
    condition     = output.write_token_secret_arn == null
    error_message = "There is a secret nevertheless."
  }
}

run "a_secret_of_no_name_and_no_key_is_refused" {
  command = plan

  module {
    source = "../modules/write_token"
  }

  variables {
    name        = "Taproom"
    kms_key_arn = "alias/taproom"
  }

  expect_failures = [var.name, var.kms_key_arn]
}
