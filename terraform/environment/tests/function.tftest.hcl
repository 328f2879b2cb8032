# What every function has.

mock_provider "aws" { source = "./tests/mocks" }

variables {
  context               = { kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/mocked" }
  name                  = "taproom-dev-watch"
  description           = "Looks"
  package_file          = "tests/mocks/package.zip"
  handler               = "db_bootstrap.lambdas.overdue.watch"
  environment           = { POWERTOOLS_LOG_LEVEL = "INFO" }
  timeout_seconds       = 60
  network               = { subnet_ids = ["subnet-1", "subnet-2"], security_group_id = "sg-1" }
  permissions           = "{\"Statement\": []}"
  dead_letter_topic_arn = "arn:aws:sns:us-east-1:123456789012:taproom-dev-alarms"
}

run "a_package_that_is_not_there_is_refused_in_words" {
  command = plan
  module { source = "../modules/function" }
  variables { package_file = "tests/mocks/missing.zip" }

  expect_failures = [aws_lambda_function.this]
}
