# The values that an environment refuses; what does not fit together, see variables.tftest.hcl.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment                = "dev"
  is_temporary               = true
  image                      = "123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  database_bootstrap_package = "tests/mocks/package.zip"
}

run "what_aws_has_no_such_thing_of_is_refused" {
  command = plan

  variables {
    project_name                   = "Taproom"
    environment                    = "pre-prod"
    region                         = "mars"
    vpc_cidr                       = "fd00::/20"
    network_egress                 = "internet_gateway"
    client_cidr_blocks             = ["everybody"]
    certificate_arn                = "arn:aws:iam::123456789012:server-certificate/ours"
    database_instance_class        = "m7g.large"
    database_certificate_authority = "rds-ca-2019"
    database_bootstrap_package     = "build/db_bootstrap"
    database_auth                  = "password"
    cpu_architecture               = "RISCV"
    service_memory_mebibytes       = 512
  }

  expect_failures = [
    var.project_name,
    var.environment,
    var.region,
    var.vpc_cidr,
    var.network_egress,
    var.client_cidr_blocks,
    var.certificate_arn,
    var.database_instance_class,
    var.database_certificate_authority,
    var.database_bootstrap_package,
    var.database_auth,
    var.cpu_architecture,
    var.service_memory_mebibytes,
  ]
}

run "too_little_of_everything_is_refused" {
  command = plan

  variables {
    project_name                         = "t"
    log_retention_days                   = 2
    vpc_cidr                             = "10.20.0.0/23"
    client_cidr_blocks                   = []
    availability_zone_count              = 1
    database_allocated_gigabytes         = 19
    database_backup_retention_days       = 0
    database_monitoring_interval_seconds = 2
    drift_check_interval_hours           = 0
    requests_per_five_minutes_limit      = 9
    service_cpu_units                    = 128
    service_spot_percent                 = -1
    service_task_count                   = { minimum = 0, maximum = 2 }
    service_schedules                    = { night = { schedule = "rate(1 day)", minimum = -1, maximum = 0 } }
    service_requests_per_task_and_minute = 0
    master_rotation                      = { days = 7, overdue_after_days = 7 }
    alarm_emails                         = ["on-call"]
    alarm_topic_arns                     = ["on-call"]
    monthly_budget_usd                   = 0
    latency_p99_limit_seconds            = 0
    database_limits                      = { connections = 0 }
  }

  expect_failures = [
    var.project_name,
    var.log_retention_days,
    var.vpc_cidr,
    var.client_cidr_blocks,
    var.availability_zone_count,
    var.database_allocated_gigabytes,
    var.database_backup_retention_days,
    var.database_monitoring_interval_seconds,
    var.drift_check_interval_hours,
    var.requests_per_five_minutes_limit,
    var.service_cpu_units,
    var.service_spot_percent,
    var.service_task_count,
    var.service_schedules,
    var.service_requests_per_task_and_minute,
    var.master_rotation,
    var.alarm_emails,
    var.alarm_topic_arns,
    var.monthly_budget_usd,
    var.latency_p99_limit_seconds,
    var.database_limits,
  ]
}

run "too_much_of_everything_is_refused" {
  command = plan

  variables {
    project_name                         = "taproom-under-a-name-that-is-too-long"
    log_retention_days                   = 3654
    vpc_cidr                             = "10.0.0.0/15"
    availability_zone_count              = 4
    database_allocated_gigabytes         = 13001
    database_backup_retention_days       = 36
    database_monitoring_interval_seconds = 61
    drift_check_interval_hours           = 49
    requests_per_five_minutes_limit      = 2000000001
    latency_p99_limit_seconds            = 61
    service_cpu_units                    = 8192
    service_spot_percent                 = 101
    service_task_count                   = { minimum = 2, maximum = 101 }
    service_schedules                    = { rush = { schedule = "rate(1 day)", minimum = 2, maximum = 101 } }
    alarm_topic_arns                     = [for number in range(5) : "arn:aws:sns:us-east-1:123456789012:${number}"]
    database_limits                      = { freeable_mebibytes = 0 }
  }

  expect_failures = [
    var.project_name,
    var.log_retention_days,
    var.vpc_cidr,
    var.availability_zone_count,
    var.database_allocated_gigabytes,
    var.database_backup_retention_days,
    var.database_monitoring_interval_seconds,
    var.drift_check_interval_hours,
    var.requests_per_five_minutes_limit,
    var.latency_p99_limit_seconds,
    var.service_cpu_units,
    var.service_spot_percent,
    var.service_task_count,
    var.service_schedules,
    var.alarm_topic_arns,
    var.database_limits,
  ]
}

run "halves_and_what_lies_between_two_steps_are_refused" {
  command = plan

  variables {
    drift_check_interval_hours = 1.5
    service_spot_percent       = 0.5
    service_memory_mebibytes   = 1536
  }

  expect_failures = [var.drift_check_interval_hours, var.service_spot_percent, var.service_memory_mebibytes]
}
