locals {
  exported_logs = ["postgresql", "upgrade"]
}

# RDS would make these groups itself, keep them for ever and leave them behind.
resource "aws_cloudwatch_log_group" "exported" {
  for_each = toset(local.exported_logs)

  name              = "/aws/rds/instance/${var.context.name}/${each.key}"
  retention_in_days = var.context.log_retention_days
  kms_key_id        = var.context.kms_key_arn
}
