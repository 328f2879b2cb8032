locals {
  has_domain      = var.domain_name != null
  certificate_arn = local.has_domain ? one(aws_acm_certificate_validation.this[*].certificate_arn) : var.certificate_arn
  is_encrypted    = local.has_domain || var.certificate_arn != null
  host_name       = coalesce(var.domain_name, aws_lb.this.dns_name)
  url_scheme      = local.is_encrypted ? "https" : "http"
}

# People type a name without https.
resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTP"
  port              = 80

  default_action {
    type = "redirect"

    redirect {
      protocol    = "HTTPS"
      port        = "443"
      status_code = "HTTP_301"
    }
  }
}

# Without a certificate there is nowhere to redirect to. A rule rather than another default action or a second listener: to
# lose it by mistake closes the service instead of opening it, and two listeners would both want port 80.
resource "aws_lb_listener_rule" "plain_http" {
  count = local.is_encrypted ? 0 : 1

  listener_arn = aws_lb_listener.http.arn
  priority     = 1

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }

  condition {
    path_pattern { values = ["/*"] }
  }
}

resource "aws_lb_listener" "https" {
  count = local.is_encrypted ? 1 : 0

  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTPS"
  port              = 443
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06" # TLS 1.3, and 1.2 for clients that have no better
  certificate_arn   = local.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}
