# Alarms and their topics.

mock_provider "aws" { source = "./tests/mocks" }

variables {
  context                  = { name = "taproom-prod", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/mocked" }
  environment              = "prod"
  slo                      = { availability = 99.9, p99_seconds = 1 }
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

run "alarms_have_their_thresholds_and_each_part_has_charts" {
  module { source = "../modules/observability" }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["latency"].extended_statistic == "p99" && aws_cloudwatch_metric_alarm.this["latency"].statistic == null
    error_message = "Latency must be judged by the slowest of a hundred."
  }

  assert {
    condition = { for key, alarm in aws_cloudwatch_metric_alarm.this : key => [one(distinct(flatten([for query in alarm.metric_query : query.metric[*].period]))), format("%.3f", alarm.threshold)] if startswith(key, "budget-burn-") } == {
      budget-burn-fast-long  = [3600, "1.440"]
      budget-burn-fast-short = [300, "1.440"]
      budget-burn-slow-long  = [21600, "0.600"]
      budget-burn-slow-short = [1800, "0.600"]
    }
    error_message = "The windows and rates must be those of the SRE workbook."
  }

  assert {
    condition     = aws_cloudwatch_composite_alarm.budget_burn["fast"].alarm_rule == "ALARM(\"taproom-prod-budget-burn-fast-long\") AND ALARM(\"taproom-prod-budget-burn-fast-short\")" && strcontains(aws_cloudwatch_dashboard.this[0].dashboard_body, "Error budget of 30 days left, percent (availability 99.9 %)") && aws_cloudwatch_composite_alarm.budget_burn["fast"].alarm_actions == toset([aws_sns_topic.alarms.arn]) && length(aws_cloudwatch_metric_alarm.this["budget-burn-fast-long"].alarm_actions) == 0
    error_message = "Only both windows together must notify, and the error budget must be shown."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["tasks-missing"].metric_name == null && { for query in aws_cloudwatch_metric_alarm.this["tasks-missing"].metric_query : query.id => query.expression if query.return_data == true } == { result = "desired - running" } && toset(aws_cloudwatch_metric_alarm.this["tasks-missing"].metric_query[*].id) == toset(["desired", "running", "result"]) && length(aws_cloudwatch_metric_alarm.this["latency"].metric_query) == 0
    error_message = "Missing tasks must be a difference of two metrics."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["database-storage"].threshold == 5 * 1024 * 1024 * 1024 && aws_cloudwatch_metric_alarm.this["rotation-duration"].threshold == 144000
    error_message = "An alarm is due at a twentieth of the storage, and at four fifths of a timeout."
  }

  assert {
    condition     = alltrue([for part in ["AWS/ApplicationELB", "AWS/ECS", "AWS/RDS", "AWS/Lambda", "AWS/WAFV2"] : strcontains(aws_cloudwatch_dashboard.this[0].dashboard_body, part)])
    error_message = "All parts must be shown."
  }
}

run "emails_topics_and_a_budget_are_options_and_so_are_the_firewall_and_the_objectives" {
  module { source = "../modules/observability" }

  variables {
    firewall_name      = null
    emails             = ["on-call@example.com"]
    other_topic_arns   = ["arn:aws:sns:us-east-1:123456789012:ours"]
    monthly_budget_usd = 800
    slo                = null
  }

  assert {
    condition     = length(aws_cloudwatch_composite_alarm.budget_burn) == 0 && alltrue([for key in keys(aws_cloudwatch_metric_alarm.this) : key != "latency" && !startswith(key, "budget-")]) && !strcontains(aws_cloudwatch_dashboard.this[0].dashboard_body, "Error budget")
    error_message = "There must be no alarm and no budget without objectives."
  }

  assert {
    condition     = !contains(keys(aws_cloudwatch_metric_alarm.this), "firewall-blocks") && !strcontains(aws_cloudwatch_dashboard.this[0].dashboard_body, "AWS/WAFV2")
    error_message = "Without a firewall there must be no alarm and no chart."
  }

  assert {
    condition     = aws_sns_topic_subscription.email["on-call@example.com"].protocol == "email" && output.topic_arns == ["arn:aws:sns:us-east-1:123456789012:taproom-dev-alarms", "arn:aws:sns:us-east-1:123456789012:ours"]
    error_message = "The address and both topics must be notified."
  }

  assert {
    condition     = aws_budgets_budget.monthly[0].limit_amount == "800" && one(aws_budgets_budget.monthly[0].cost_filter).values == tolist(["user:Environment$prod"]) && toset([for notification in aws_budgets_budget.monthly[0].notification : notification.notification_type]) == toset(["ACTUAL", "FORECASTED"])
    error_message = "The budget must be limited to the tag, and warn of actual and forecast costs."
  }
}

run "minimal_monitoring_has_no_dashboard_and_alarms_on_what_stops_the_service" {
  command = plan
  module { source = "../modules/observability" }
  variables { is_minimal = true }

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.this) == ["load-balancer-errors", "unhealthy-hosts"] && length(aws_cloudwatch_composite_alarm.budget_burn) == 0 && length(aws_cloudwatch_dashboard.this) == 0
    error_message = "Each alarm and the dashboard are billed."
  }
}
