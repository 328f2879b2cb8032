# Burn rates of Google's SRE workbook, chapter 5 (https://sre.google/workbook/alerting-on-slos/): an alarm when failures use
# up 2 % of a month's error budget in an hour, or 5 % in six hours. The short window ends the alarm soon after the failures.
locals {
  slo             = var.is_minimal ? null : var.slo
  allowed_percent = local.slo == null ? null : 100 - local.slo.availability
  burns = local.slo == null ? {} : {
    fast = { rate = 14.4, seconds = { long = 3600, short = 300 } }
    slow = { rate = 6, seconds = { long = 21600, short = 1800 } }
  }

  # Requests that reach no target are in the second metric only.
  load_balancer_outcomes = { reached = "RequestCount", refused = "HTTPCode_ELB_5XX_Count", failed = "HTTPCode_Target_5XX_Count" }
  requests               = "FILL(reached, 0) + FILL(refused, 0)"
  failures               = "FILL(failed, 0) + FILL(refused, 0)"

  slo_alarms = merge([
    for speed, burn in local.burns : {
      for window, seconds in burn.seconds : "budget-burn-${speed}-${window}" => {
        description = "More than ${burn.rate * local.allowed_percent} % of the requests of ${seconds / 60} minutes failed. A part of budget-burn-${speed}."
        section     = "budget-burn"
        namespace   = "AWS/ApplicationELB"
        metrics     = local.load_balancer_outcomes
        expression  = "IF(${local.requests} > 0, 100 * (${local.failures}) / (${local.requests}), 0)"
        dimensions  = local.load_balancer
        statistic   = "Sum", period_seconds = seconds, threshold = burn.rate * local.allowed_percent, topic_arns = []
      }
    }
  ]...)

  error_budget_widgets = [
    for slo in local.slo[*] : {
      type = "metric", x = 0, y = 6 + ceil(length(local.charts) / 2) * 6, width = 24, height = 6
      properties = {
        title  = "Error budget of 30 days left, percent (availability ${slo.availability} %)"
        region = data.aws_region.current.id
        period = 3600, start = "-P30D", view = "timeSeries"
        metrics = concat(
          [[{ expression = "100 - 100 * RUNNING_SUM(${local.failures}) / (${local.allowed_percent / 100} * RUNNING_SUM(${local.requests}))", label = "Left" }]],
          [
            for id, metric in local.load_balancer_outcomes :
            ["AWS/ApplicationELB", metric, "LoadBalancer", var.load_balancer_arn_suffix, { id = id, stat = "Sum", visible = false }]
          ],
        )
      }
    }
  ]
}

resource "aws_cloudwatch_composite_alarm" "budget_burn" {
  for_each = local.burns

  alarm_name        = "${var.context.name}-budget-burn-${each.key}"
  alarm_description = "Failures use up the error budget ${each.value.rate} times as fast as ${var.slo.availability} % of availability allows. See docs/runbook.md#alarm-budget-burn"
  alarm_rule        = join(" AND ", [for window in ["long", "short"] : "ALARM(\"${aws_cloudwatch_metric_alarm.this["budget-burn-${each.key}-${window}"].alarm_name}\")"])

  alarm_actions = local.topic_arns
  ok_actions    = local.topic_arns
}
