# What a plan shows of the database's access, and what an apply is held to.

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
    roles    = { beers_owner = {} }
    logins   = {}
  }
}

run "planned_statements_are_shown_and_their_digest_is_handed_to_the_function" {
  module {
    source = "../modules/database_access"
  }

  override_data {
    target = data.aws_lambda_invocation.plan
    values = {
      result = "{\"database\": \"beers\", \"in_sync\": false, \"digest\": \"sha256:0123\", \"refusals\": [], \"unmanaged\": [], \"changes\": [{\"sql\": \"GRANT a TO b\", \"reason\": \"b is a member\", \"destructive\": false, \"database\": \"beers\"}, {\"sql\": \"REVOKE c FROM d\", \"reason\": \"nobody said so\", \"destructive\": true, \"database\": \"stouts\"}]}"
    }
  }

  override_resource {
    target = aws_lambda_invocation.apply
    values = {
      result = "{\"database\": \"beers\", \"changes\": [{\"sql\": \"GRANT a TO b\", \"reason\": \"b is a member\", \"destructive\": false, \"database\": \"beers\"}, {\"sql\": \"REVOKE c FROM d\", \"reason\": \"nobody said so\", \"destructive\": true, \"database\": \"stouts\"}], \"in_sync\": true}"
    }
  }

  assert {
    condition = output.access_plan == join("\n", [
      "-- plan sha256:0123",
      "-- because b is a member",
      "GRANT a TO b;",
      "-- in database stouts, because nobody said so, TAKES ACCESS AWAY",
      "REVOKE c FROM d;",
    ])
    error_message = "The plan shows ${output.access_plan}"
  }

  assert {
    condition     = length(data.aws_lambda_invocation.plan) == 1 && jsondecode(aws_lambda_invocation.apply.input).expected_digest == "sha256:0123"
    error_message = "The function gets ${aws_lambda_invocation.apply.input}."
  }
}

run "the_plan_after_an_apply_shows_the_same_for_what_was_done" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  override_data {
    target = data.aws_lambda_invocation.plan
    values = {
      result = "{\"database\": \"beers\", \"in_sync\": true, \"digest\": \"sha256:0123\", \"refusals\": [], \"unmanaged\": [], \"changes\": []}"
    }
  }

  assert {
    condition     = output.access_plan == run.planned_statements_are_shown_and_their_digest_is_handed_to_the_function.access_plan
    error_message = "The plan shows ${output.access_plan}"
  }
}

run "a_name_cannot_make_a_plan_look_like_another_one" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  override_data {
    target = data.aws_lambda_invocation.plan
    values = {
      result = "{\"database\": \"beers\", \"in_sync\": false, \"digest\": \"sha256:4567\", \"refusals\": [], \"unmanaged\": [], \"changes\": [{\"sql\": \"DROP ROLE x\", \"reason\": \"one\\nGRANT a TO b;\\u001b[8m\\u202etwo\\u2028three\", \"destructive\": false, \"database\": \"beers\"}]}"
    }
  }

  assert {
    condition     = output.access_plan == "-- plan sha256:4567\n-- because one\uFFFDGRANT a TO b;\uFFFD[8m\uFFFDtwo\uFFFDthree\nDROP ROLE x;"
    error_message = "The plan shows ${output.access_plan}"
  }
}

run "a_document_that_cannot_be_carried_out_stops_the_plan" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  override_data {
    target = data.aws_lambda_invocation.plan
    values = {
      result = "{\"database\": \"beers\", \"in_sync\": false, \"digest\": \"sha256:0123\", \"refusals\": [\"The schema beers belongs to rdsadmin.\"], \"unmanaged\": [], \"changes\": []}"
    }
  }

  expect_failures = [aws_lambda_invocation.apply]
}

run "without_a_preview_nothing_is_asked_and_the_function_does_what_is_needed" {
  module {
    source = "../modules/database_access"
  }

  variables {
    preview_access = false
  }

  assert {
    condition     = length(data.aws_lambda_invocation.plan) == 0
    error_message = "Nobody must be asked."
  }

  assert {
    condition     = jsondecode(aws_lambda_invocation.apply.input).expected_digest == null
    error_message = "The function gets ${aws_lambda_invocation.apply.input}."
  }
}

run "the_planning_function_runs_the_handler_that_cannot_apply" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  assert {
    condition     = module.planner.handler == "db_bootstrap.lambdas.plan.plan" && module.bootstrap.handler == "db_bootstrap.lambdas.apply.bootstrap"
    error_message = "The handlers are ${module.planner.handler} and ${module.bootstrap.handler}."
  }
}
