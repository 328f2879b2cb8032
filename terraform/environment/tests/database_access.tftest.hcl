# How the access document reaches the functions, what a plan previews, and what is scheduled and watched.

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
      beers_report = { credential = "iam", member_of = ["beers_reader"], connection_limit = 5 }
    }
  }
}

run "planned_statements_are_shown_and_their_digest_is_handed_to_the_function" {
  module { source = "../modules/database_access" }

  override_data {
    target = data.aws_lambda_invocation.plan
    values = {
      result = "{\"database\": \"beers\", \"in_sync\": false, \"summary\": [\"d loses c.\", \"b\\u202e gains a.\"], \"digest\": \"sha256:0123\", \"refusals\": [], \"unmanaged\": [], \"changes\": [{\"sql\": \"GRANT a TO b\", \"reason\": \"b is a member\", \"destructive\": false, \"database\": \"beers\"}, {\"sql\": \"REVOKE c FROM d\", \"reason\": \"it is not declared\", \"destructive\": true, \"database\": \"stouts\"}]}"
    }
  }

  override_resource {
    target = aws_lambda_invocation.apply
    values = {
      result = "{\"database\": \"beers\", \"summary\": [\"d loses c.\", \"b\\u202e gains a.\"], \"changes\": [{\"sql\": \"GRANT a TO b\", \"reason\": \"b is a member\", \"destructive\": false, \"database\": \"beers\"}, {\"sql\": \"REVOKE c FROM d\", \"reason\": \"it is not declared\", \"destructive\": true, \"database\": \"stouts\"}], \"in_sync\": true}"
    }
  }

  assert {
    condition = output.access_plan == join("\n", [
      "-- plan sha256:0123",
      "-- because b is a member",
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
    condition     = length(data.aws_lambda_invocation.plan) == 1 && jsondecode(aws_lambda_invocation.apply.input).expected_digest == "sha256:0123"
    error_message = "The function gets ${aws_lambda_invocation.apply.input}."
  }
}

run "the_plan_after_an_apply_shows_the_same_for_what_was_done" {
  command = plan
  module { source = "../modules/database_access" }

  override_data {
    target = data.aws_lambda_invocation.plan
    values = { result = "{\"database\": \"beers\", \"in_sync\": true, \"digest\": \"sha256:0123\", \"refusals\": [], \"unmanaged\": [], \"changes\": []}" }
  }

  assert {
    condition = (
      output.access_summary == run.planned_statements_are_shown_and_their_digest_is_handed_to_the_function.access_summary
      && output.access_plan == run.planned_statements_are_shown_and_their_digest_is_handed_to_the_function.access_plan
    )
    error_message = "The plan shows ${jsonencode([output.access_summary, output.access_plan])}"
  }
}

run "a_name_cannot_make_a_plan_look_like_another_one" {
  command = plan
  module { source = "../modules/database_access" }

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
  module { source = "../modules/database_access" }

  override_data {
    target = data.aws_lambda_invocation.plan
    values = {
      result = "{\"database\": \"beers\", \"in_sync\": false, \"digest\": \"sha256:0123\", \"refusals\": [\"The schema beers belongs to rdsadmin.\"], \"unmanaged\": [], \"changes\": []}"
    }
  }

  expect_failures = [aws_lambda_invocation.apply]
}

run "the_functions_get_the_document_and_secrets_and_are_scheduled" {
  module { source = "../modules/database_access" }

  assert {
    condition = jsondecode(aws_lambda_invocation.apply.input) == {
      action      = "apply", document = jsondecode(jsonencode(var.access)), expected_digest = null
      secret_arns = { beers_app = "arn:aws:secretsmanager:us-east-1:123456789012:secret:taproom-dev/database/login" }
    }
    error_message = "The function gets ${aws_lambda_invocation.apply.input}."
  }

  assert {
    condition     = aws_lambda_invocation.apply.lifecycle_scope == "CREATE_ONLY"
    error_message = "An update that failed would be kept as done."
  }

  assert {
    condition     = aws_secretsmanager_secret.login["beers_app"].recovery_window_in_days == 30
    error_message = "A secret must be kept for 30 days after its deletion."
  }

  assert {
    condition     = module.planner.handler == "db_bootstrap.lambdas.plan.plan" && module.bootstrap.handler == "db_bootstrap.lambdas.apply.bootstrap"
    error_message = "The handlers are ${module.planner.handler} and ${module.bootstrap.handler}."
  }

  assert {
    condition = (
      jsondecode(aws_scheduler_schedule.verify.target[0].input) == { action = "verify", document = jsondecode(jsonencode(var.access)) }
      && aws_scheduler_schedule.verify.target[0].arn == module.planner.arn
      && aws_scheduler_schedule.verify.schedule_expression == "rate(6 hours)"
    )
    error_message = "The schedule is ${jsonencode(aws_scheduler_schedule.verify)}."
  }

  assert {
    condition = (
      keys(aws_secretsmanager_secret_rotation.login) == ["beers_app"]
      && aws_secretsmanager_secret_rotation.login["beers_app"].rotation_lambda_arn == module.rotation.arn
      && aws_secretsmanager_secret_rotation.login["beers_app"].rotate_immediately == false
      && aws_secretsmanager_secret_rotation.login["beers_app"].rotation_rules[0].automatically_after_days == 30
    )
    error_message = "These are rotated: ${jsonencode(aws_secretsmanager_secret_rotation.login)}."
  }

  assert {
    condition     = jsondecode(module.rotation.environment.ROTATED_LOGINS) == { beers_app = aws_secretsmanager_secret.login["beers_app"].arn }
    error_message = "The function's setting is ${module.rotation.environment.ROTATED_LOGINS}."
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
    condition     = length(toset([module.bootstrap.name, module.planner.name, module.rotation.name, module.rotation_watch.name])) == 4
    error_message = "Two functions share a name, and with it a role."
  }

  assert {
    condition     = jsondecode(aws_scheduler_schedule.rotation_watch.target[0].input).overdue_after_days[aws_secretsmanager_secret.login["beers_app"].arn] == 32
    error_message = "The watch is asked for ${aws_scheduler_schedule.rotation_watch.target[0].input}."
  }

  assert {
    condition     = alltrue([for sid, statements in local.write_secrets : statements[1].Sid == sid && statements[1].Resource == [aws_secretsmanager_secret.login["beers_app"].arn]])
    error_message = "The functions must be let at the login's secret: ${jsonencode(local.write_secrets)}."
  }

  assert {
    condition     = alltrue([for made in [aws_cloudwatch_event_rule.rotation_failed, aws_cloudwatch_event_target.rotation_failed] : length(made) == 0])
    error_message = "There is a rule without a target."
  }
}

run "without_rotated_logins_and_preview_there_are_no_secrets_no_permissions_on_them_and_no_question" {
  module { source = "../modules/database_access" }

  variables {
    drift_check_interval_hours = 1
    access                     = { database = "beers", logins = { beers_report = { credential = "iam" } } }
    preview_access             = false
  }

  assert {
    condition     = length(data.aws_lambda_invocation.plan) == 0 && jsondecode(aws_lambda_invocation.apply.input).expected_digest == null
    error_message = "Nothing must be asked, and the function gets ${aws_lambda_invocation.apply.input}."
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

  assert {
    condition = alltrue([
      for alarm in [aws_cloudwatch_metric_alarm.rotation_errors, aws_cloudwatch_metric_alarm.rotation_overdue, aws_cloudwatch_metric_alarm.rotation_not_watched] :
      alarm.alarm_actions == toset(var.alarm_topic_arns)
    ])
    error_message = "Each alarm must notify a topic."
  }

  assert {
    condition = alltrue([
      for alarm in [aws_cloudwatch_metric_alarm.rotation_overdue, aws_cloudwatch_metric_alarm.rotation_not_watched] : (
        alarm.namespace == module.rotation_watch.environment.POWERTOOLS_METRICS_NAMESPACE
        && alarm.dimensions == tomap({ service = module.rotation_watch.environment.POWERTOOLS_SERVICE_NAME })
      )
    ])
    error_message = "The alarms would wait for another metric."
  }

  assert {
    condition = alltrue([
      for function in [module.bootstrap, module.planner] : (
        function.environment.POWERTOOLS_METRICS_NAMESPACE == aws_cloudwatch_metric_alarm.drift.namespace
        && function.environment.POWERTOOLS_SERVICE_NAME == aws_cloudwatch_metric_alarm.drift.dimensions.service
        && function.environment.DATABASE_NAME == aws_cloudwatch_metric_alarm.drift.dimensions.database
      )
    ])
    error_message = "The alarm would wait for another metric."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.not_verified.dimensions == aws_cloudwatch_metric_alarm.drift.dimensions
      && aws_cloudwatch_metric_alarm.not_verified.treat_missing_data == "breaching"
      && aws_cloudwatch_metric_alarm.not_verified.evaluation_periods == 13
    )
    error_message = "A watch that stopped must be noticed."
  }

  assert {
    condition = alltrue([
      for alarm in [aws_cloudwatch_metric_alarm.drift, aws_cloudwatch_metric_alarm.not_verified, aws_cloudwatch_metric_alarm.verify_failed] :
      alarm.alarm_actions == toset(var.alarm_topic_arns)
    ])
    error_message = "Each alarm must notify a topic."
  }
}
