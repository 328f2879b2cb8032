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

  rotation_watch_security_group_id = "sg-2"
  dead_letter_topic_arn            = "arn:aws:sns:us-east-1:123456789012:taproom-dev-alarms"
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

run "everything_that_a_document_may_say_reaches_the_function" {
  module {
    source = "../modules/database_access"
  }

  variables {
    access = {
      database   = "beers"
      unlisted   = "report"
      schemas    = { beers = { owner = "legacy" } }
      extensions = { citext = { schema = "beers" } }
      roles = {
        beers_reader = {
          comment     = "People who read"
          schemas     = { beers = "read" }
          memberships = { legacy = { inherit = false, admin = true } }
          grants      = [{ on = "tables", schema = "beers", names = ["beers"], columns = ["name"], privileges = ["UPDATE"] }]
        }
      }
      logins = {
        legacy = { credential = "external", settings = { work_mem = 4096 } }
        beers_app = {
          credential = "rotated"
          grants     = [{ on = "database", privileges = ["TEMPORARY"] }]
        }
      }
      public  = { schemas = { beers = "read" }, grants = [{ on = "types", schema = "beers", privileges = ["USAGE"] }] }
      retired = { intern = { reassign_to = "legacy", terminate_sessions = true } }
    }
  }

  assert {
    condition = (
      jsondecode(aws_lambda_invocation.apply.input).document.unlisted == "report"
      && jsondecode(aws_lambda_invocation.apply.input).document.extensions.citext.schema == "beers"
      && jsondecode(aws_lambda_invocation.apply.input).document.roles.beers_reader.comment == "People who read"
      && jsondecode(aws_lambda_invocation.apply.input).document.roles.beers_reader.memberships.legacy == { inherit = false, set = null, admin = true }
      && jsondecode(aws_lambda_invocation.apply.input).document.roles.beers_reader.grants[0].columns == ["name"]
      && jsondecode(aws_lambda_invocation.apply.input).document.logins.legacy.settings.work_mem == "4096"
      && jsondecode(aws_lambda_invocation.apply.input).document.logins.beers_app.grants[0].on == "database"
      && jsondecode(aws_lambda_invocation.apply.input).document.public.schemas.beers == "read"
      && jsondecode(aws_lambda_invocation.apply.input).document.public.grants[0].on == "types"
      && jsondecode(aws_lambda_invocation.apply.input).document.retired.intern.terminate_sessions
    )
    error_message = "The function gets ${aws_lambda_invocation.apply.input}."
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

run "a_membership_with_options_in_no_role_is_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    access = { database = "beers", roles = { a = { memberships = { nobody = {} } } } }
  }

  expect_failures = [var.access]
}

run "a_login_that_acts_as_another_login_is_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    access = { database = "beers", logins = { a = { credential = "iam", acts_as = "b" }, b = { credential = "iam" } } }
  }

  expect_failures = [var.access]
}

run "a_preset_on_a_schema_that_is_not_declared_is_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    access = { database = "beers", public = { schemas = { cellar = "read" } } }
  }

  expect_failures = [var.access]
}

run "a_preset_that_is_none_is_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    access = { database = "beers", schemas = { beers = { owner = "a" } }, roles = { a = { schemas = { beers = "admin" } } } }
  }

  expect_failures = [var.access]
}

run "a_grant_on_an_unknown_kind_is_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    access = { database = "beers", roles = { a = { grants = [{ on = "views", privileges = ["SELECT"] }] } } }
  }

  expect_failures = [var.access]
}

run "an_unknown_word_for_what_is_not_declared_is_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    access = { database = "beers", unlisted = "ignore" }
  }

  expect_failures = [var.access]
}

run "a_rotated_login_whose_name_a_secret_cannot_have_is_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    access = { database = "beers", logins = { "a b" = { credential = "rotated" } } }
  }

  expect_failures = [var.access]
}
