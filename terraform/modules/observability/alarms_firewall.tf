locals {
  firewall = { WebACL = var.firewall_name, Region = data.aws_region.current.id, Rule = "ALL" }

  firewall_alarms = {
    for name in compact([var.firewall_name]) : "firewall-blocks" => {
      description    = "The firewall turns an unusual number of requests away: an attack, or a rule that takes people for one."
      namespace      = "AWS/WAFV2"
      metric         = "BlockedRequests"
      dimensions     = local.firewall
      statistic      = "Sum"
      period_seconds = 300
      threshold      = 1000
    }
  }
}
