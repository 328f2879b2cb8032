# What a plan previews, what is scheduled and watched, and what the module refuses: a run breaks one rule of each of its
# variables, because each run takes a second.

mock_provider "aws" { source = "./tests/mocks" }

variables {
  context = { name = "taproom-dev" }
  database = {
    address           = "database.example"
    port              = 5432
    name              = "beers"
    resource_id       = "db-MOCKED"
    master_secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-master"
  }
  subnet_ids        = ["subnet-1", "subnet-2"]
  security_group    = { id = "sg-1" }
  kms_key           = { arn = "arn:aws:kms:us-east-1:123456789012:key/mocked" }
  package_file      = "tests/mocks/package.zip"
  dead_letter_topic = { arn = "arn:aws:sns:us-east-1:123456789012:taproom-dev-alarms" }
  access = {
    database = "beers"
    schemas  = { beers = { owner = "beers_owner" } }
    roles    = { beers_owner = {}, beers_reader = { schemas = { beers = "read" } } }
    logins = {
      beers_app    = { credential = "rotated", acts_as = "beers_owner" }
      "a+b=c.d@e"  = { credential = "rotated" }
      beers_report = { credential = "iam", member_of = ["beers_reader"], connection_limit = 5 }
    }
  }
}

run "planned_statements_are_shown_and_a_name_cannot_make_them_look_like_others" {
  module { source = "../modules/database_access" }

  override_data {
    target = data.aws_lambda_invocation.plan
    values = {
      result = "{\"database\": \"beers\", \"in_sync\": false, \"summary\": [\"d loses c.\", \"b\\u202e gains a.\"], \"digest\": \"sha256:0123\", \"refusals\": [], \"unmanaged\": [], \"changes\": [{\"sql\": \"GRANT a TO b\", \"reason\": \"one\\nGRANT a TO b;\\u001b[8m\\u202etwo\\u2028three\", \"destructive\": false, \"database\": \"beers\"}, {\"sql\": \"REVOKE c FROM d\", \"reason\": \"it is not declared\", \"destructive\": true, \"database\": \"stouts\"}]}"
    }
  }

  assert {
    condition = output.access_plan == join("\n", [
      "-- plan sha256:0123",
      "-- because one\uFFFDGRANT a TO b;\uFFFD[8m\uFFFDtwo\uFFFDthree",
      "GRANT a TO b;",
      "-- in database stouts, because it is not declared, TAKES ACCESS AWAY",
      "REVOKE c FROM d;",
    ])
    error_message = "The plan shows ${output.access_plan}"
  }

  assert {
    condition     = output.access_summary == ["d loses c.", "b\uFFFD gains a."]
    error_message = "The plan shows ${jsonencode(output.access_summary)}"
  }

  assert {
    condition     = [for statement in local.write_secrets["ManageLoginSecrets"] : statement.Resource if statement.Sid == "ManageLoginSecrets"] == [["arn:aws:secretsmanager:us-east-1:123456789012:secret:taproom-dev/database/*"]]
    error_message = "The policy changes with the logins, so the invocation for a new one would be denied until IAM has propagated it."
  }

  assert {
    condition     = aws_lambda_invocation.apply.lifecycle_scope == "CREATE_ONLY"
    error_message = "An update that failed would be kept as done."
  }

  assert {
    condition     = jsondecode(aws_scheduler_schedule.rotation_watch.target[0].input).overdue_after_days[aws_secretsmanager_secret.login["beers_app"].arn] == 32
    error_message = "The watch is asked for ${aws_scheduler_schedule.rotation_watch.target[0].input}."
  }
}

run "a_document_that_cannot_be_carried_out_stops_the_plan" {
  command = plan
  module { source = "../modules/database_access" }

  override_data {
    target = data.aws_lambda_invocation.plan
    values = {
      result = "{\"database\": \"beers\", \"in_sync\": false, \"digest\": \"sha256:0123\", \"refusals\": [\"The schema beers belongs to rdsadmin.\"], \"unmanaged\": [], \"changes\": []}"
    }
  }

  expect_failures = [aws_lambda_invocation.apply]
}

run "without_rotated_logins_and_topics_there_are_no_secrets_no_permissions_on_them_and_no_rule" {
  module { source = "../modules/database_access" }

  variables {
    drift_check_interval_hours = 1
    access                     = { database = "beers", logins = { beers_report = { credential = "iam" } } }
  }

  assert {
    condition     = alltrue([for made in [aws_secretsmanager_secret.login, aws_secretsmanager_secret_rotation.login, aws_lambda_permission.rotation] : length(made) == 0])
    error_message = "There is a secret without a login."
  }

  assert {
    condition     = alltrue([for statements in local.write_secrets : length(statements) == 1])
    error_message = "A statement without resources is none that AWS takes."
  }

  assert {
    condition     = aws_scheduler_schedule.verify.schedule_expression == "rate(1 hour)"
    error_message = "It fires by ${aws_scheduler_schedule.verify.schedule_expression}."
  }

  assert {
    condition     = alltrue([for made in [aws_cloudwatch_event_rule.rotation_failed, aws_cloudwatch_event_target.rotation_failed] : length(made) == 0])
    error_message = "There is a rule without a target."
  }
}

run "a_schedule_replaces_days_and_alarms_on_the_functions_metrics_notify_each_topic" {
  module { source = "../modules/database_access" }

  variables {
    rotation         = { schedule = "cron(0 3 ? * SUN *)", window_hours = 3, overdue_after_days = 9 }
    alarm_topic_arns = ["arn:aws:sns:us-east-1:123456789012:on-call", "arn:aws:sns:us-east-1:123456789012:team"]
  }

  assert {
    condition = (
      aws_secretsmanager_secret_rotation.login["beers_app"].rotation_rules[0].schedule_expression == "cron(0 3 ? * SUN *)"
      && aws_secretsmanager_secret_rotation.login["beers_app"].rotation_rules[0].automatically_after_days == null
      && aws_secretsmanager_secret_rotation.login["beers_app"].rotation_rules[0].duration == "3h"
    )
    error_message = "The rules are ${jsonencode(aws_secretsmanager_secret_rotation.login["beers_app"].rotation_rules)}."
  }

  assert {
    condition = (
      aws_lambda_permission.rotation["beers_app"].principal == "secretsmanager.amazonaws.com"
      && aws_lambda_permission.rotation["beers_app"].source_account == "123456789012"
      && aws_lambda_permission.rotation["beers_app"].source_arn == aws_secretsmanager_secret.login["beers_app"].arn
    )
    error_message = "The permission is ${jsonencode(aws_lambda_permission.rotation["beers_app"])}."
  }

  assert {
    condition = jsondecode(aws_scheduler_schedule.rotation_watch.target[0].input).overdue_after_days == {
      (aws_secretsmanager_secret.login["beers_app"].arn) = 9
      (var.database.master_secret_arn)                   = 9
    }
    error_message = "The watch is asked for ${aws_scheduler_schedule.rotation_watch.target[0].input}."
  }

  assert {
    condition     = toset(aws_cloudwatch_event_target.rotation_failed[*].arn) == toset(var.alarm_topic_arns)
    error_message = "These are notified: ${join(", ", aws_cloudwatch_event_target.rotation_failed[*].arn)}."
  }

  assert {
    condition     = toset(jsondecode(aws_cloudwatch_event_rule.rotation_failed[0].event_pattern).detail.additionalEventData.SecretId) == toset([aws_secretsmanager_secret.login["beers_app"].arn, var.database.master_secret_arn])
    error_message = "The rule listens for ${aws_cloudwatch_event_rule.rotation_failed[0].event_pattern}."
  }
}

run "settings_too_small_two_masters_and_an_unknown_credential_are_refused" {
  command = plan
  module { source = "../modules/database_access" }

  variables {
    context                    = { name = "t" }
    drift_check_interval_hours = 0
    rotation                   = {}
    database                   = { address = "database.example", name = "beers", master_secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:master", master_iam_user = "dbmaster" }
    access                     = { database = "beers", logins = { beers_app = { credential = "password" } } }
  }

  expect_failures = [var.access, var.context, var.database, var.drift_check_interval_hours, var.rotation]
}

run "settings_too_large_an_iam_master_of_an_unknown_instance_and_an_invalid_login_name_are_refused" {
  command = plan
  module { source = "../modules/database_access" }

  variables {
    context                    = { name = "taproom-with-a-name-that-is-too-long" }
    drift_check_interval_hours = 49
    alarm_topic_arns           = [for number in range(6) : "arn:aws:sns:us-east-1:123456789012:${number}"]
    rotation                   = { days = 30, window_hours = 25 }
    database                   = { address = "database.example", name = "beers", master_iam_user = "dbmaster" }
    access                     = { database = "beers", logins = { "a b" = { credential = "rotated" } } }
  }

  expect_failures = [var.access, var.alarm_topic_arns, var.context, var.database, var.drift_check_interval_hours, var.rotation]
}

run "fractions_are_refused" {
  command = plan
  module { source = "../modules/database_access" }

  variables {
    drift_check_interval_hours = 1.5
    rotation                   = { days = 30, overdue_after_days = 32.5 }
  }

  expect_failures = [var.drift_check_interval_hours, var.rotation]
}

run "more_rotated_logins_than_fit_into_a_functions_variables_are_refused" {
  command = plan
  module { source = "../modules/database_access" }
  variables { access = { database = "beers", logins = { for number in range(26) : "beers_login_${number}" => { credential = "rotated" } } } }

  expect_failures = [aws_lambda_invocation.apply]
}

run "a_schedule_too_often_is_refused" {
  command = plan
  module { source = "../modules/database_access" }
  variables { rotation = { schedule = "rate(3 hours)", overdue_after_days = 1 } }

  expect_failures = [var.rotation]
}

run "a_package_that_is_not_there_is_refused_in_words" {
  command = plan
  module { source = "../modules/function" }

  variables {
    name                  = "taproom-dev-watch"
    description           = "Looks"
    package_file          = "tests/mocks/missing.zip"
    handler               = "db_bootstrap.lambdas.overdue.watch"
    environment           = {}
    timeout_seconds       = 60
    network               = { subnet_ids = ["subnet-1", "subnet-2"], security_group_id = "sg-1" }
    permissions           = "{\"Statement\": []}"
    dead_letter_topic_arn = "arn:aws:sns:us-east-1:123456789012:taproom-dev-alarms"
    context               = { kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/mocked" }
  }

  expect_failures = [aws_lambda_function.this]
}
