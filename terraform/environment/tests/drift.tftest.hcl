# The watch over drift.

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

run "a_schedule_has_the_applied_document_verified" {
  module {
    source = "../modules/database_access"
  }

  assert {
    condition = (
      jsondecode(aws_scheduler_schedule.verify.target[0].input) == { action = "verify", document = jsondecode(jsonencode(var.access)) }
      && aws_scheduler_schedule.verify.target[0].arn == module.planner.arn
    )
    error_message = "The schedule sends ${aws_scheduler_schedule.verify.target[0].input} to ${aws_scheduler_schedule.verify.target[0].arn}."
  }

  assert {
    condition     = aws_scheduler_schedule.verify.schedule_expression == "rate(6 hours)"
    error_message = "It fires by ${aws_scheduler_schedule.verify.schedule_expression}."
  }
}

run "an_hour_is_one_hour" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    drift_check_interval_hours = 1
  }

  assert {
    condition     = aws_scheduler_schedule.verify.schedule_expression == "rate(1 hour)"
    error_message = "It fires by ${aws_scheduler_schedule.verify.schedule_expression}."
  }
}

run "the_alarms_read_the_metric_that_both_functions_print" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    alarm_topic_arns = ["arn:aws:sns:us-east-1:123456789012:on-call"]
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
    error_message = "Each alarm must tell somebody."
  }
}

run "a_topic_that_is_none_is_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    alarm_topic_arns = ["somebody@example.com"]
  }

  expect_failures = [var.alarm_topic_arns]
}
