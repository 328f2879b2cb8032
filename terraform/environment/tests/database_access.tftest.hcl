# The access document on its way to the function.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name = "taproom-dev"
  database = {
    address           = "database.example"
    port              = 5432
    name              = "beers"
    resource_id       = "db-MOCKED"
    master_secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-master"
  }
  subnet_ids        = ["subnet-1", "subnet-2"]
  security_group_id = "sg-1"
  kms_key_arn       = "arn:aws:kms:us-east-1:123456789012:key/mocked"
  package_file      = "tests/mocks/package.zip"
  access = {
    database = "beers"
    schemas  = { beers = { owner = "beers_owner" } }
    roles    = { beers_owner = {}, beers_reader = { schemas = { beers = "read" } } }
    logins = {
      beers_app    = { credential = "rotated", acts_as = "beers_owner" }
      beers_report = { credential = "iam", member_of = ["beers_reader"], connection_limit = 5 }
    }
  }
}

run "the_function_gets_the_document_and_the_secrets" {
  module {
    source = "../modules/database_access"
  }

  assert {
    condition     = jsondecode(aws_lambda_invocation.apply.input).action == "apply"
    error_message = "The function gets ${aws_lambda_invocation.apply.input}."
  }

  # What was left out is null, which the function takes for left out.
  assert {
    condition     = jsondecode(aws_lambda_invocation.apply.input).document == jsondecode(jsonencode(var.access))
    error_message = "The function gets ${aws_lambda_invocation.apply.input}."
  }

  assert {
    condition     = jsondecode(aws_lambda_invocation.apply.input).secret_arns == { beers_app = "arn:aws:secretsmanager:us-east-1:123456789012:secret:taproom-dev/database/login" }
    error_message = "The function gets ${aws_lambda_invocation.apply.input}."
  }

  assert {
    condition     = aws_lambda_invocation.apply.lifecycle_scope == "CREATE_ONLY"
    error_message = "An update that failed would be kept as done."
  }
}

run "a_deleted_secret_can_be_had_back_unless_the_environment_is_temporary" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  assert {
    condition     = aws_secretsmanager_secret.login["beers_app"].recovery_window_in_days == 30
    error_message = "A secret must be kept for 30 days after its deletion."
  }
}

run "an_owner_that_is_no_role_is_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    access = {
      database = "beers"
      schemas  = { beers = { owner = "nobody" } }
      roles    = { beers_owner = {} }
      logins   = {}
    }
  }

  expect_failures = [var.access]
}

run "a_membership_in_no_role_is_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    access = {
      database = "beers"
      schemas  = {}
      roles    = {}
      logins   = { beers_app = { credential = "rotated", member_of = ["nobody"] } }
    }
  }

  expect_failures = [var.access]
}

run "an_unknown_credential_is_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    access = {
      database = "beers"
      schemas  = {}
      roles    = {}
      logins   = { beers_app = { credential = "password" } }
    }
  }

  expect_failures = [var.access]
}
