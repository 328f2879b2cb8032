# One page: what is wrong, what people get, what it takes.

locals {
  # Title, and lines as [namespace, metric, statistic, dimensions]. Two widgets are in each row.
  charts = concat(
    [
      ["Requests", [
        ["AWS/ApplicationELB", "RequestCount", "Sum", local.load_balancer],
        ["AWS/ApplicationELB", "HTTPCode_Target_4XX_Count", "Sum", local.load_balancer],
        ["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "Sum", local.load_balancer],
        ["AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "Sum", local.load_balancer],
      ]],
      ["Seconds until the answer", [
        ["AWS/ApplicationELB", "TargetResponseTime", "p50", local.target_group],
        ["AWS/ApplicationELB", "TargetResponseTime", "p99", local.target_group],
      ]],
      ["Tasks", [
        ["ECS/ContainerInsights", "DesiredTaskCount", "Average", local.service],
        ["ECS/ContainerInsights", "RunningTaskCount", "Average", local.service],
        ["AWS/ApplicationELB", "UnHealthyHostCount", "Maximum", local.target_group],
      ]],
      ["Tasks: processor and memory, percent", [
        ["AWS/ECS", "CPUUtilization", "Average", local.service],
        ["AWS/ECS", "MemoryUtilization", "Average", local.service],
      ]],
      ["Database: processor, percent, and connections", [
        ["AWS/RDS", "CPUUtilization", "Average", local.database],
        ["AWS/RDS", "DatabaseConnections", "Maximum", local.database],
      ]],
      ["Database: storage and memory to spare, bytes", [
        ["AWS/RDS", "FreeStorageSpace", "Minimum", local.database],
        ["AWS/RDS", "FreeableMemory", "Minimum", local.database],
      ]],
      ["Functions: errors", [for function in var.functions : ["AWS/Lambda", "Errors", "Sum", { FunctionName = function.name }]]],
      ["Functions: milliseconds", [for function in var.functions : ["AWS/Lambda", "Duration", "Maximum", { FunctionName = function.name }]]],
    ],
    [for name in compact([var.firewall_name]) : ["Requests turned away", [["AWS/WAFV2", "BlockedRequests", "Sum", local.firewall]]]],
  )

  shown_alarms = concat(values(aws_cloudwatch_metric_alarm.this), values(aws_cloudwatch_composite_alarm.budget_burn))
  alarm_widget = {
    type       = "alarm", x = 0, y = 0, width = 24, height = 6
    properties = { title = "Alarms", alarms = sort(concat(var.other_alarm_arns, local.shown_alarms[*].arn)) }
  }

  chart_widgets = [
    for index, chart in local.charts : {
      type = "metric", x = index % 2 * 12, y = 6 + floor(index / 2) * 6, width = 12, height = 6
      properties = {
        title  = chart[0]
        region = data.aws_region.current.id
        period = 60, view = "timeSeries"
        metrics = [
          for line in chart[1] : concat(
            [line[0], line[1]],
            flatten([for name, value in line[3] : [name, value]]),
            [{ stat = line[2], label = join(" ", compact([line[1], line[2], lookup(line[3], "FunctionName", "")])) }],
          )
        ]
      }
    }
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  count = var.is_minimal ? 0 : 1

  dashboard_name = var.context.name
  dashboard_body = jsonencode({ widgets = concat([local.alarm_widget], local.chart_widgets, local.error_budget_widgets) })
}
