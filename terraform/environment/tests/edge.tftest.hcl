# What the internet meets, by what is given: a domain or a certificate.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  context                = { name = "taproom-prod", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/mocked" }
  vpc_id                 = "vpc-1"
  public_subnet_ids      = ["subnet-1", "subnet-2"]
  security_group_id      = "sg-1"
  service_port           = 8000
  access_log_bucket_name = "taproom-access-logs-123456789012"
}

run "a_domain_is_served_over_tls_1_3_behind_a_firewall" {
  command = plan
  module { source = "../modules/edge" }

  variables {
    domain_name   = "beers.example.com"
    dns_zone_name = "example.com"
  }

  assert {
    condition     = length(aws_lb_listener_rule.plain_http) == 0 && aws_lb_listener.http.default_action[0].type == "redirect" && aws_lb_listener.http.default_action[0].redirect[0].protocol == "HTTPS"
    error_message = "Port 80 must send people to HTTPS."
  }

  assert {
    condition     = startswith(aws_lb_listener.https[0].ssl_policy, "ELBSecurityPolicy-TLS13-") && aws_lb.this.enable_deletion_protection && aws_lb.this.drop_invalid_header_fields && one(aws_lb.this.access_logs).enabled
    error_message = "It must speak TLS 1.3, and be protected, strict about headers and logged."
  }

  assert {
    condition = toset([
      for rule in aws_wafv2_web_acl.this[0].rule : rule.name if length(rule.override_action) == 0 || length(try(rule.override_action[0].none, [])) == 1
      ]) == toset([
      "RequestsPerAddress", "AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet",
    ])
    error_message = "These rules must turn requests away."
  }

  assert {
    condition     = [for rule in aws_wafv2_web_acl.this[0].rule : rule.name if length(try(rule.override_action[0].count, [])) == 1] == ["AWSManagedRulesAnonymousIpList"]
    error_message = "This rule must only count requests."
  }

  assert {
    condition     = alltrue([for made in [aws_wafv2_web_acl_association.load_balancer, aws_cloudwatch_log_group.firewall, aws_wafv2_web_acl_logging_configuration.this] : length(made) == 1])
    error_message = "The firewall must stand before the load balancer, and log."
  }
}

run "a_certificate_of_somebody_else_needs_no_record" {
  command = plan
  module { source = "../modules/edge" }
  variables { certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/ours" }

  assert {
    condition     = alltrue([for made in [data.aws_route53_zone.this, aws_acm_certificate.this, aws_route53_record.validation, aws_acm_certificate_validation.this, aws_route53_record.service] : length(made) == 0]) && aws_lb_listener.https[0].certificate_arn == "arn:aws:acm:us-east-1:123456789012:certificate/ours"
    error_message = "The given certificate must be used, and nothing made beside it."
  }
}
