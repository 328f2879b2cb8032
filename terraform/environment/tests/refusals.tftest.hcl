# Values that the environment refuses. A run breaks one rule of each of its variables.

mock_provider "aws" { source = "./tests/mocks" }

variables {
  environment                = "dev"
  is_temporary               = true
  image                      = "123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  database_bootstrap_package = "tests/mocks/package.zip"
}

run "values_that_aws_would_reject_only_during_the_apply_are_refused" {
  command = plan

  variables {
    project_name                   = "tap--room"
    commit                         = "main"
    client_cidr_blocks             = ["my-laptop"]
    environment                    = "pre-prod"
    vpc_cidr                       = "10.20.0.0/23"
    availability_zone_count        = 1
    excluded_zone_ids              = ["us-east-1e"]
    network_egress                 = "internet_gateway"
    database_instance_class        = "m7g.large"
    database_allocated_gigabytes   = 19
    database_backup_retention_days = 0
    database_backup_copy_region    = "us-east-1"
    database_certificate_authority = "rds-ca-2019"
    database_auth                  = "password"
    master_rotation                = {}
    image                          = "docker.io/library/nginx:1.29"
    service_cpu_units              = 128
    service_task_count             = { minimum = 0, maximum = 2 }
    service_schedules              = { night = { schedule = "every night", minimum = 0, maximum = 0 } }
    alarm_emails                   = ["on-call"]
    alarm_topic_arns               = [for number in range(5) : "arn:aws:sns:us-east-1:123456789012:${number}"]
    slo                            = { availability = 94.9, p99_seconds = 0 }
  }

  expect_failures = [
    var.project_name,
    var.commit,
    var.client_cidr_blocks,
    var.environment,
    var.vpc_cidr,
    var.availability_zone_count,
    var.excluded_zone_ids,
    var.network_egress,
    var.database_instance_class,
    var.database_allocated_gigabytes,
    var.database_backup_retention_days,
    var.database_backup_copy_region,
    var.database_certificate_authority,
    var.database_auth,
    var.master_rotation,
    var.image,
    var.service_cpu_units,
    var.service_task_count,
    var.service_schedules,
    var.alarm_emails,
    var.alarm_topic_arns,
    var.slo,
  ]
}

run "values_that_are_too_large_are_refused" {
  command = plan

  variables {
    project_name                 = "taproom-with-a-name-that-is-too-long"
    client_cidr_blocks           = ["0.0.0.0/0"]
    vpc_cidr                     = "10.0.0.0/15"
    availability_zone_count      = 4
    database_allocated_gigabytes = 13001
    slo                          = { availability = 100, p99_seconds = 61 }
    master_rotation              = { days = 7, window_hours = 25 }
    service_cpu_units            = 8192
    service_task_count           = { minimum = 2, maximum = 101 }
    service_schedules            = { rush = { schedule = "rate(1 day)", minimum = 2, maximum = 101 } }
  }

  expect_failures = [
    var.project_name,
    var.client_cidr_blocks,
    var.vpc_cidr,
    var.availability_zone_count,
    var.database_allocated_gigabytes,
    var.slo,
    var.master_rotation,
    var.service_cpu_units,
    var.service_task_count,
    var.service_schedules,
  ]
}

run "values_that_do_not_fit_together_are_refused" {
  command = plan

  variables {
    project_name             = "sg-tap"
    environment              = "prod"
    image                    = "123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom:latest"
    domain_name              = "beers.example.com"
    dns_zone_name            = "example.com"
    certificate_arn          = "arn:aws:acm:us-east-1:123456789012:certificate/ours"
    master_rotation          = { days = 7, overdue_after_days = 7 }
    service_cpu_units        = 256
    service_memory_mebibytes = 4096
    service_task_count       = { minimum = 2, maximum = 1 }
    service_schedules        = { night = { schedule = "rate(1 day)", minimum = 2, maximum = 1 } }
    service_spot_percent     = 50
  }

  expect_failures = [
    var.project_name,
    var.image,
    var.domain_name,
    var.master_rotation,
    var.service_memory_mebibytes,
    var.service_task_count,
    var.service_schedules,
    var.service_spot_percent,
  ]
}

run "a_schedule_without_overdue_after_days_an_image_without_tag_a_domain_in_capitals_and_a_missing_service_login_are_refused" {
  command = plan

  variables {
    master_rotation = { schedule = "rate(7 days)" }
    image           = "123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom"
    domain_name     = "Beers.example.com"
    dns_zone_name   = "example.com"
    access = {
      database = "beers"
      schemas  = { beers = { owner = "beers_owner" } }
      roles    = { beers_owner = {} }
      logins   = { beers_migrator = { credential = "rotated", acts_as = "beers_owner" } }
    }
  }

  expect_failures = [var.access, var.domain_name, var.image, var.master_rotation]
}

run "plain_http_in_production_days_beside_a_schedule_and_a_migrator_without_a_password_are_refused" {
  command = plan

  variables {
    is_temporary    = false
    master_rotation = { days = 30, schedule = "rate(10 days)", overdue_after_days = 40 }
    access = {
      database = "beers"
      schemas  = { beers = { owner = "beers_owner" } }
      roles    = { beers_owner = {} }
      logins   = { beers_app = { credential = "rotated" }, beers_migrator = { credential = "iam", acts_as = "beers_owner" } }
    }
  }

  expect_failures = [var.access, var.domain_name, var.master_rotation]
}

run "a_schedule_too_often_and_iam_authentication_with_a_password_are_refused" {
  command = plan

  variables {
    master_rotation = { schedule = "rate(3 hours)", overdue_after_days = 1 }
    database_auth   = "iam"
  }

  expect_failures = [var.access, var.master_rotation]
}

run "more_sessions_than_the_connection_limit_a_cron_schedule_past_the_hour_and_a_domain_outside_its_zone_are_refused" {
  command = plan

  variables {
    master_rotation          = { schedule = "cron(30 3 ? * SUN *)", overdue_after_days = 9 }
    domain_name              = "beers.example.com"
    dns_zone_name            = "example.org"
    service_task_count       = { minimum = 2, maximum = 6 }
    service_cpu_units        = 4096
    service_memory_mebibytes = 8192
    database_max_connections = 254
  }

  expect_failures = [var.access, var.dns_zone_name, var.database_max_connections, var.master_rotation]
}

run "sessions_up_to_the_limits_of_login_and_database_pass" {
  command = plan

  variables {
    service_task_count       = { minimum = 2, maximum = 6 }
    service_cpu_units        = 1024
    service_memory_mebibytes = 2048
    database_max_connections = 135
  }
}
