# Blocks known attacks, addresses with a bad reputation, and clients that send too many requests.

locals {
  has_firewall = var.requests_per_five_minutes_limit != null

  # https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html
  managed_rules = [
    { group = "AmazonIpReputationList", blocks = true }, # addresses that AWS has seen attack others
    { group = "CommonRuleSet", blocks = true },          # the OWASP top ten; bodies above 8 KB too
    { group = "KnownBadInputsRuleSet", blocks = true },  # requests that exploit a known hole, such as Log4j's
    { group = "AnonymousIpList", blocks = false },       # VPN, Tor, hosting providers: the pipeline's own checks come from one
  ]
}

resource "aws_wafv2_web_acl" "this" {
  count = local.has_firewall ? 1 : 0

  name        = var.context.name
  description = "Requests that never reach the service ${var.context.name}"
  scope       = "REGIONAL"

  default_action {
    allow {}
  }

  rule {
    name     = "RequestsPerAddress"
    priority = 10

    action {
      block {}
    }

    statement {
      rate_based_statement {
        limit                 = var.requests_per_five_minutes_limit
        aggregate_key_type    = "IP"
        evaluation_window_sec = 300
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "RequestsPerAddress"
      sampled_requests_enabled   = true
    }
  }

  dynamic "rule" {
    for_each = local.managed_rules

    content {
      name     = "AWSManagedRules${rule.value.group}"
      priority = 20 + 10 * rule.key

      override_action {
        dynamic "none" {
          for_each = rule.value.blocks ? [true] : []
          content {}
        }

        dynamic "count" {
          for_each = rule.value.blocks ? [] : [true]
          content {}
        }
      }

      statement {
        managed_rule_group_statement {
          vendor_name = "AWS"
          name        = "AWSManagedRules${rule.value.group}"
        }
      }

      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = "AWSManagedRules${rule.value.group}"
        sampled_requests_enabled   = true
      }
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.context.name
    sampled_requests_enabled   = true
  }
}

resource "aws_wafv2_web_acl_association" "load_balancer" {
  count = local.has_firewall ? 1 : 0

  web_acl_arn  = aws_wafv2_web_acl.this[0].arn
  resource_arn = aws_lb.this.arn
}

resource "aws_cloudwatch_log_group" "firewall" {
  count = local.has_firewall ? 1 : 0

  name              = "aws-waf-logs-${var.context.name}" # WAF writes to names with this beginning only
  retention_in_days = var.context.log_retention_days
  kms_key_id        = var.context.kms_key_arn
}

resource "aws_wafv2_web_acl_logging_configuration" "this" {
  count = local.has_firewall ? 1 : 0

  resource_arn            = aws_wafv2_web_acl.this[0].arn
  log_destination_configs = [aws_cloudwatch_log_group.firewall[0].arn]

  # Requests that pass are in the load balancer's access log.
  logging_filter {
    default_behavior = "DROP"

    filter {
      behavior    = "KEEP"
      requirement = "MEETS_ANY"

      condition {
        action_condition { action = "BLOCK" }
      }
    }
  }

  # Credentials of clients belong in no log.
  redacted_fields {
    single_header { name = "authorization" }
  }

  redacted_fields {
    single_header { name = "cookie" }
  }
}
