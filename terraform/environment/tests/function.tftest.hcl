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
  permissions           = "{\"Statement\": []}"
  dead_letter_topic_arn = "arn:aws:sns:us-east-1:123456789012:taproom-dev-alarms"
}

run "a_function_outside_the_network_may_not_join_one" {
  module { source = "../modules/function" }

  assert {
    condition     = length(aws_lambda_function.this.vpc_config) == 0 && length(data.aws_iam_policy_document.in_network) == 0 && one(aws_lambda_function.this.dead_letter_config).target_arn == var.dead_letter_topic_arn && data.aws_iam_policy_document.this.source_policy_documents == tolist([var.permissions]) && output.invocable_name == var.name
    error_message = "It must be outside of the network, and have its permissions, its name and its dead-letter target."
  }
}

run "a_function_in_the_network_joins_it_in_this_account_and_region" {
  module { source = "../modules/function" }
  variables { network = { subnet_ids = ["subnet-1", "subnet-2"], security_group_id = "sg-1" } }

  assert {
    condition     = one(aws_lambda_function.this.vpc_config).subnet_ids == toset(["subnet-1", "subnet-2"]) && one(aws_lambda_function.this.vpc_config).security_group_ids == toset(["sg-1"])
    error_message = "It must be where it is told."
  }

  assert {
    condition     = one([for statement in data.aws_iam_policy_document.in_network[0].statement : statement.resources if statement.sid == "ManageNetworkInterfaces"]) == toset(["arn:aws:ec2:us-east-1:123456789012:*/*"])
    error_message = "Interfaces must be made nowhere else."
  }
}

run "a_package_that_is_not_there_is_refused_in_words" {
  command = plan
  module { source = "../modules/function" }
  variables { package_file = "tests/mocks/missing.zip" }

  expect_failures = [aws_lambda_function.this]
}
