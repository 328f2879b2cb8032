output "url" {
  description = "URL of the service. With a certificate of yours, use its domain instead."
  value       = "${local.url_scheme}://${local.host_name}"

  depends_on = [aws_route53_record.service]
}

output "load_balancer_dns_name" {
  description = "Host name of the load balancer."
  value       = aws_lb.this.dns_name
}

output "load_balancer_arn_suffix" {
  description = "End of the load balancer's ARN, for metrics."
  value       = aws_lb.this.arn_suffix
}

output "target_group_arn" {
  description = "Target group of the service's tasks."
  value       = aws_lb_target_group.this.arn

  # ECS accepts a target group only once a listener uses it.
  depends_on = [aws_lb_listener.https, aws_lb_listener_rule.plain_http]
}

output "target_group_arn_suffix" {
  description = "End of the target group's ARN, for metrics."
  value       = aws_lb_target_group.this.arn_suffix
}

output "firewall_name" {
  description = "Name of the web ACL; null without a firewall."
  value       = one(aws_wafv2_web_acl.this[*].name)
}
