# 5xx answers of the tasks themselves are not here: modules/service has that alarm, because it also ends a deployment.
locals {
  load_balancer = { LoadBalancer = var.load_balancer_arn_suffix }
  target_group  = { LoadBalancer = var.load_balancer_arn_suffix, TargetGroup = var.target_group_arn_suffix }

  load_balancer_alarms = {
    for key, alarm in merge({
      load-balancer-errors = {
        description = "The load balancer itself answers with 5xx: it reaches no task, or none in time."
        metric      = "HTTPCode_ELB_5XX_Count", statistic = "Sum", period_seconds = 300, threshold = 10
      }
      unhealthy-hosts = {
        description = "A task does not pass the load balancer's health checks."
        dimensions  = local.target_group
        metric      = "UnHealthyHostCount", statistic = "Maximum", periods = 5, threshold = 0
      }
      rejected-connections = {
        description = "The load balancer had more connections than it can take, and turned some away."
        metric      = "RejectedConnectionCount", statistic = "Sum", period_seconds = 300, threshold = 0
      }
      }, { for slo in var.slo[*] : "latency" => {
        description = "One request in a hundred takes longer than ${slo.p99_seconds} s."
        dimensions  = local.target_group
        metric      = "TargetResponseTime", statistic = "p99", periods = 5, threshold = slo.p99_seconds
    } }) : key => merge({ namespace = "AWS/ApplicationELB", dimensions = local.load_balancer }, alarm)
  }
}
