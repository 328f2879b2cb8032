# trivy:ignore:AWS-0053 The service is for clients outside of AWS; client_cidr_blocks limits who can connect, and WAF filters requests.
resource "aws_lb" "this" {
  name                       = var.context.name
  load_balancer_type         = "application"
  internal                   = false
  subnets                    = var.public_subnet_ids
  security_groups            = [var.security_group_id]
  drop_invalid_header_fields = true
  enable_deletion_protection = var.context.is_temporary ? false : true

  access_logs {
    enabled = true
    bucket  = var.access_log_bucket_name
    prefix  = var.context.name
  }
}

resource "aws_lb_target_group" "this" {
  name                          = var.context.name
  vpc_id                        = var.vpc_id
  target_type                   = "ip"
  protocol                      = "HTTP"
  port                          = var.service_port
  deregistration_delay          = var.context.is_temporary ? 5 : 30 # seconds for requests in flight
  load_balancing_algorithm_type = "least_outstanding_requests"

  # Not /readyz: all tasks share the database, and ECS replaces every task that fails this check.
  health_check {
    path                = "/startupz"
    matcher             = "200"
    interval            = 5
    timeout             = 4
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}
