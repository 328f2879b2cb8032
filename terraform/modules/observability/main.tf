# Every alarm is an entry of a table, in the file of what it watches: alarms_service.tf and the others. What an entry leaves
# out is the default below; missing data is good news unless it says otherwise.

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

locals {
  tables = merge(
    local.load_balancer_alarms,
    local.slo_alarms,
    local.service_alarms,
    local.database_alarms,
    local.function_alarms,
    local.firewall_alarms,
  )

  defaults = {
    statistic      = "Average"
    period_seconds = 60
    periods        = 1
    comparison     = "GreaterThanThreshold"
    missing_data   = "notBreaching"
    # Instead of a metric: an expression over several, by the names that it calls them.
    metric     = null
    metrics    = {}
    expression = null
    topic_arns = local.topic_arns
  }

  alarms = {
    for key, alarm in local.tables : key => merge(local.defaults, { section = key }, alarm)
    if !var.is_minimal || contains(["load-balancer-errors", "unhealthy-hosts"], key)
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name        = "${var.context.name}-${each.key}"
  alarm_description = "${each.value.description} See docs/runbook.md#alarm-${each.value.section}"

  namespace          = each.value.expression == null ? each.value.namespace : null
  metric_name        = each.value.metric
  dimensions         = each.value.expression == null ? each.value.dimensions : null
  period             = each.value.expression == null ? each.value.period_seconds : null
  statistic          = each.value.expression != null || startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic = startswith(each.value.statistic, "p") ? each.value.statistic : null

  dynamic "metric_query" {
    for_each = each.value.metrics

    content {
      id = metric_query.key

      metric {
        namespace   = each.value.namespace
        metric_name = metric_query.value
        dimensions  = each.value.dimensions
        stat        = each.value.statistic
        period      = each.value.period_seconds
      }
    }
  }

  dynamic "metric_query" {
    for_each = each.value.expression == null ? [] : [each.value.expression]

    content {
      id          = "result"
      expression  = metric_query.value
      label       = each.key
      return_data = true
    }
  }

  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing_data

  alarm_actions = each.value.topic_arns
  ok_actions    = each.value.topic_arns
}
