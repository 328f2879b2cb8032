# 5xx answers of the tasks themselves are not here: modules/service has that alarm, because it also ends a deployment.
locals {
  load_balancer = { LoadBalancer = var.load_balancer_arn_suffix }
  target_group  = { LoadBalancer = var.load_balancer_arn_suffix, TargetGroup = var.target_group_arn_suffix }

  load_balancer_alarms = {
    load-balancer-errors = {
      description    = "The load balancer itself answers with 5xx: it reaches no task, or none in time."
      namespace      = "AWS/ApplicationELB"
      metric         = "HTTPCode_ELB_5XX_Count"
      dimensions     = local.load_balancer
      statistic      = "Sum"
      period_seconds = 300
      threshold      = 10
    }

    latency = {
      description = "One request in a hundred takes longer than ${var.latency_p99_limit_seconds} s."
      namespace   = "AWS/ApplicationELB"
      metric      = "TargetResponseTime"
      dimensions  = local.target_group
      statistic   = "p99"
      periods     = 5
      threshold   = var.latency_p99_limit_seconds
    }

    unhealthy-hosts = {
      description = "A task does not pass the load balancer's health checks."
      namespace   = "AWS/ApplicationELB"
      metric      = "UnHealthyHostCount"
      dimensions  = local.target_group
      statistic   = "Maximum"
      periods     = 5
      threshold   = 0
    }

    rejected-connections = {
      description    = "The load balancer had more connections than it can take, and turned some away."
      namespace      = "AWS/ApplicationELB"
      metric         = "RejectedConnectionCount"
      dimensions     = local.load_balancer
      statistic      = "Sum"
      period_seconds = 300
      threshold      = 0
    }
  }
}
