# What the module observability refuses.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                     = "taproom-prod"
  environment              = "prod"
  kms_key_arn              = "arn:aws:kms:us-east-1:123456789012:key/1"
  load_balancer_arn_suffix = "app/taproom-prod/1"
  target_group_arn_suffix  = "targetgroup/taproom-prod/1"
  firewall_name            = "taproom-prod"
  cluster_name             = "taproom-prod"
  service_name             = "taproom-prod"
  database                 = { identifier = "taproom-prod", allocated_gigabytes = 100 }
  functions = {
    rotation = { name = "taproom-prod-rotation", timeout_seconds = 180, has_error_alarm = true }
    planner  = { name = "taproom-prod-access-plan", timeout_seconds = 30, has_error_alarm = false }
  }
  other_alarm_arns = ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:taproom-prod-access-drift"]
}

run "too_little_of_everything_is_refused" {
  command = plan

  module {
    source = "../modules/observability"
  }

  variables {
    name                      = "t"
    environment               = "p"
    kms_key_arn               = ""
    emails                    = ["on-call"]
    other_topic_arns          = ["on-call@example.com"]
    monthly_budget_usd        = 0
    load_balancer_arn_suffix  = "net/taproom-prod/1"
    target_group_arn_suffix   = "app/taproom-prod/1"
    latency_p99_limit_seconds = 0
    cluster_name              = ""
    service_name              = ""
    database                  = { identifier = "taproom-prod", allocated_gigabytes = 19 }
    database_limits           = { connections = 0 }
    functions                 = { quick = { name = "quick", timeout_seconds = 0, has_error_alarm = false } }
    firewall_name             = ""
    other_alarm_arns          = ["drift"]
  }

  expect_failures = [
    var.name,
    var.environment,
    var.kms_key_arn,
    var.emails,
    var.other_topic_arns,
    var.monthly_budget_usd,
    var.load_balancer_arn_suffix,
    var.target_group_arn_suffix,
    var.latency_p99_limit_seconds,
    var.cluster_name,
    var.service_name,
    var.database,
    var.database_limits,
    var.functions,
    var.firewall_name,
    var.other_alarm_arns,
  ]
}

run "too_much_and_nothing_at_all_are_refused" {
  command = plan

  module {
    source = "../modules/observability"
  }

  variables {
    name                      = "taproom-under-a-name-that-is-too-long"
    environment               = "productions-own"
    other_topic_arns          = [for number in range(5) : "arn:aws:sns:us-east-1:123456789012:${number}"]
    latency_p99_limit_seconds = 61
    cluster_name              = null
    service_name              = null
    database_limits           = { freeable_mebibytes = 0 }
    functions                 = { slow = { name = "slow", timeout_seconds = 901, has_error_alarm = false } }
  }

  expect_failures = [
    var.name,
    var.environment,
    var.other_topic_arns,
    var.latency_p99_limit_seconds,
    var.cluster_name,
    var.service_name,
    var.database_limits,
    var.functions,
  ]
}
