# What an environment is made of, asked of a whole apply against a made-up AWS.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  environment  = "dev"
  is_temporary = true
  image        = "123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  # Any file will do: nothing runs it here.
  database_bootstrap_package = "tests/mocks/package.zip"
}

run "by_default_the_service_is_plain_http_and_secrets_exist_for_rotated_logins_and_the_write_token" {
  command = plan

  assert {
    condition     = output.service_url == "http://taproom-dev.example"
    error_message = "The service is at ${output.service_url}."
  }

  assert {
    condition     = toset(keys(output.login_secret_arns)) == toset(["beers_app", "beers_migrator"])
    error_message = "These logins have a secret: ${join(", ", keys(output.login_secret_arns))}."
  }

  assert {
    condition     = output.write_token_secret_arn != null
    error_message = "There must be a secret for the token."
  }
}

run "with_a_certificate_the_service_is_https_and_the_write_token_is_optional" {
  command = plan

  variables {
    certificate_arn   = "arn:aws:acm:us-east-1:123456789012:certificate/mocked"
    writes_need_token = false
  }

  assert {
    condition     = output.service_url == "https://taproom-dev.example"
    error_message = "The service is at ${output.service_url}."
  }

  assert {
    condition     = output.write_token_secret_arn == null
    error_message = "There is a secret nevertheless."
  }
}

run "a_service_that_logs_in_by_token_has_no_secret" {
  command = plan

  variables {
    database_auth = "iam"
    access = {
      database = "beers"
      schemas  = { beers = { owner = "beers_owner" } }
      roles    = { beers_owner = {}, beers_writer = { schemas = { beers = "write" } } }
      logins   = { beers_app = { credential = "iam", member_of = ["beers_writer"] }, beers_migrator = { credential = "rotated", acts_as = "beers_owner" } }
    }
  }

  assert {
    condition     = keys(output.login_secret_arns) == ["beers_migrator"]
    error_message = "These logins have a secret: ${join(", ", keys(output.login_secret_arns))}."
  }
}
