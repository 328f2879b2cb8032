# What the module database_access refuses. A run breaks one rule of each of its variables, because each run takes a second.

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
  access            = { database = "beers" }
  package_file      = "tests/mocks/package.zip"
  dead_letter_topic = { arn = "arn:aws:sns:us-east-1:123456789012:taproom-dev-alarms" }
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

run "days_beside_a_schedule_are_refused" {
  command = plan
  module { source = "../modules/database_access" }
  variables { rotation = { days = 30, schedule = "rate(10 days)", overdue_after_days = 40 } }

  expect_failures = [var.rotation]
}

run "a_schedule_without_overdue_after_days_is_refused" {
  command = plan
  module { source = "../modules/database_access" }
  variables { rotation = { schedule = "rate(10 days)" } }

  expect_failures = [var.rotation]
}

run "a_schedule_too_often_is_refused" {
  command = plan
  module { source = "../modules/database_access" }
  variables { rotation = { schedule = "rate(3 hours)", overdue_after_days = 1 } }

  expect_failures = [var.rotation]
}

run "a_cron_schedule_past_the_hour_is_refused" {
  command = plan
  module { source = "../modules/database_access" }
  variables { rotation = { schedule = "cron(30 3 ? * SUN *)", overdue_after_days = 9 } }

  expect_failures = [var.rotation]
}

run "a_rotation_overdue_before_it_is_due_is_refused" {
  command = plan
  module { source = "../modules/database_access" }
  variables { rotation = { days = 30, overdue_after_days = 30 } }

  expect_failures = [var.rotation]
}
