locals {
  has_domain      = var.domain_name != null
  certificate_arn = local.has_domain ? one(aws_acm_certificate_validation.this[*].certificate_arn) : var.certificate_arn
  is_encrypted    = local.has_domain || var.certificate_arn != null
  host_name       = coalesce(var.domain_name, aws_lb.this.dns_name)
  url_scheme      = local.is_encrypted ? "https" : "http"
}

# One listener that changes its mind, rather than two of which one exists: both would want port 80.
resource "aws_lb_listener" "http" {
  # checkov:skip=CKV_AWS_2:It redirects to HTTPS wherever there is a certificate; the environment refuses to be without one unless it is temporary
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
  certificate_arn   = local.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}
