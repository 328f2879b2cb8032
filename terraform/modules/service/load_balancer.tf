locals {
  is_encrypted = var.certificate_arn != null
  url_scheme   = local.is_encrypted ? "https" : "http"

  # Requests in flight get this long to finish once a task is told to leave.
  deregistration_seconds = var.is_temporary ? 5 : 30
}

resource "aws_lb" "this" {
  name                       = var.name
  load_balancer_type         = "application"
  internal                   = false
  subnets                    = var.public_subnet_ids
  security_groups            = [var.load_balancer_security_group_id]
  drop_invalid_header_fields = true
  enable_deletion_protection = !var.is_temporary
}

resource "aws_lb_target_group" "this" {
  name                          = var.name
  vpc_id                        = var.vpc_id
  target_type                   = "ip"
  protocol                      = "HTTP"
  port                          = var.service_port
  deregistration_delay          = local.deregistration_seconds
  load_balancing_algorithm_type = "least_outstanding_requests"

  health_check {
    path                = "/readyz"
    matcher             = "200"
    interval            = 5
    timeout             = 4
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

# One listener that changes its mind, rather than two of which one exists: both would want port 80.
resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTP"
  port              = 80

  default_action {
    type             = local.is_encrypted ? "redirect" : "forward"
    target_group_arn = local.is_encrypted ? null : aws_lb_target_group.this.arn

    dynamic "redirect" {
      for_each = local.is_encrypted ? ["https"] : []

      content {
        protocol    = "HTTPS"
        port        = "443"
        status_code = "HTTP_301"
      }
    }
  }
}

resource "aws_lb_listener" "https" {
  count = local.is_encrypted ? 1 : 0

  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTPS"
  port              = 443
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06" # TLS 1.3, and 1.2 for clients that have no better
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}
