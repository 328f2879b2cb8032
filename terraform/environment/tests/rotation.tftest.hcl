# Rotations: when, by whom, and who is told when one fails or does not come.

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
    logins = {
      beers_app    = { credential = "rotated", acts_as = "beers_owner" }
      beers_report = { credential = "iam" }
    }
  }
}

run "each_rotated_login_is_rotated_by_the_function_and_not_while_the_tasks_start" {
  module {
    source = "../modules/database_access"
  }

  assert {
    condition     = keys(aws_secretsmanager_secret_rotation.login) == ["beers_app"]
    error_message = "These are rotated: ${join(", ", keys(aws_secretsmanager_secret_rotation.login))}."
  }

  assert {
    condition = (
      aws_secretsmanager_secret_rotation.login["beers_app"].rotation_lambda_arn == module.rotation.arn
      && aws_secretsmanager_secret_rotation.login["beers_app"].rotate_immediately == false
      && aws_secretsmanager_secret_rotation.login["beers_app"].rotation_rules[0].automatically_after_days == 30
    )
    error_message = "It is rotated by ${jsonencode(aws_secretsmanager_secret_rotation.login["beers_app"])}."
  }

  assert {
    condition     = jsondecode(module.rotation.environment.ROTATED_LOGINS) == { beers_app = aws_secretsmanager_secret.login["beers_app"].arn }
    error_message = "The function is told of ${module.rotation.environment.ROTATED_LOGINS}."
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
    condition = (
      contains(data.aws_iam_policy_document.bootstrap.statement[*].sid, "LoginSecrets")
      && contains(data.aws_iam_policy_document.rotation.statement[*].sid, "RotateLoginSecrets")
    )
    error_message = "The functions must be let at the login's secret."
  }

  assert {
    condition     = length(aws_cloudwatch_event_rule.rotation_failed) == 0 && length(aws_cloudwatch_event_target.rotation_failed) == 0
    error_message = "There is a rule without a target."
  }
}

run "where_no_login_is_rotated_there_is_nothing_to_rotate_and_nothing_to_read" {
  module {
    source = "../modules/database_access"
  }

  variables {
    access = { database = "beers", logins = { beers_report = { credential = "iam" } } }
  }

  assert {
    condition     = alltrue([for made in [aws_secretsmanager_secret.login, aws_secretsmanager_secret_rotation.login, aws_lambda_permission.rotation] : length(made) == 0])
    error_message = "There is a secret for nobody."
  }

  assert {
    condition = (
      !contains(data.aws_iam_policy_document.bootstrap.statement[*].sid, "LoginSecrets")
      && !contains(data.aws_iam_policy_document.rotation.statement[*].sid, "RotateLoginSecrets")
    )
    error_message = "A statement without resources is none that AWS takes."
  }
}

run "a_schedule_takes_the_place_of_days_and_each_topic_is_told" {
  module {
    source = "../modules/database_access"
  }

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
    error_message = "These are told: ${join(", ", aws_cloudwatch_event_target.rotation_failed[*].arn)}."
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
    error_message = "Each alarm must tell somebody."
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
}

run "days_and_a_schedule_are_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    rotation = { days = 30, schedule = "rate(10 days)", overdue_after_days = 40 }
  }

  expect_failures = [var.rotation]
}

run "a_schedule_without_saying_when_it_is_overdue_is_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    rotation = { schedule = "rate(10 days)" }
  }

  expect_failures = [var.rotation]
}

run "more_than_every_four_hours_is_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    rotation = { schedule = "rate(3 hours)", overdue_after_days = 1 }
  }

  expect_failures = [var.rotation]
}

run "a_minute_past_the_hour_is_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    rotation = { schedule = "cron(30 3 ? * SUN *)", overdue_after_days = 9 }
  }

  expect_failures = [var.rotation]
}

run "a_window_of_more_than_a_day_is_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    rotation = { days = 30, window_hours = 25 }
  }

  expect_failures = [var.rotation]
}

run "being_overdue_before_it_is_due_is_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    rotation = { days = 30, overdue_after_days = 30 }
  }

  expect_failures = [var.rotation]
}

run "a_window_of_no_hour_is_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    rotation = { days = 30, window_hours = 0 }
  }

  expect_failures = [var.rotation]
}

run "a_window_of_an_hour_and_a_half_is_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    rotation = { days = 30, window_hours = 1.5 }
  }

  expect_failures = [var.rotation]
}

run "being_overdue_in_the_middle_of_a_day_is_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    rotation = { days = 30, overdue_after_days = 32.5 }
  }

  expect_failures = [var.rotation]
}
