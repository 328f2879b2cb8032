# What the module database_access refuses; of an access document, see database_access.tftest.hcl.

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

run "too_little_of_everything_is_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    name = "t"
    database = {
      address           = "database.example"
      port              = 5432
      name              = "beers"
      resource_id       = "db-MOCKED"
      master_secret_arn = ""
    }
    subnet_ids            = []
    security_group_id     = ""
    package_file          = ""
    dead_letter_topic_arn = ""

    rotation_watch_security_group_id = ""

    log_retention_days         = 2
    kms_key_arn                = ""
    permissions_boundary_arn   = ""
    drift_check_interval_hours = 0
    alarm_topic_arns           = [""]
    rotation                   = { days = 0 }
    master_overdue_after_days  = 1
  }

  expect_failures = [
    var.name,
    var.database,
    var.subnet_ids,
    var.security_group_id,
    var.rotation_watch_security_group_id,
    var.dead_letter_topic_arn,
    var.package_file,
    var.log_retention_days,
    var.kms_key_arn,
    var.permissions_boundary_arn,
    var.drift_check_interval_hours,
    var.alarm_topic_arns,
    var.rotation,
    var.master_overdue_after_days,
  ]
}

run "too_much_and_nothing_at_all_are_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    name                       = "taproom-under-a-name-that-is-too-long"
    security_group_id          = null
    log_retention_days         = 3654
    drift_check_interval_hours = 49
    alarm_topic_arns           = [for number in range(6) : "arn:aws:sns:us-east-1:123456789012:${number}"]
    rotation                   = { days = 1001 }
  }

  expect_failures = [
    var.name,
    var.security_group_id,
    var.log_retention_days,
    var.drift_check_interval_hours,
    var.alarm_topic_arns,
    var.rotation,
  ]
}

run "halves_are_refused" {
  command = plan

  module {
    source = "../modules/database_access"
  }

  variables {
    drift_check_interval_hours = 1.5
    rotation                   = { days = 1.5 }
    master_overdue_after_days  = 9.5
  }

  expect_failures = [var.drift_check_interval_hours, var.rotation, var.master_overdue_after_days]
}
