locals {
  exported_logs = ["postgresql", "upgrade"]
}

# RDS would make these groups itself, keep them for ever and leave them behind.
resource "aws_cloudwatch_log_group" "exported" {
  for_each = { for pair in setproduct(keys(local.instances), local.exported_logs) : pair[0] == "first" ? pair[1] : join("/", pair) => pair }

  name              = "/aws/rds/instance/${local.instances[each.value[0]]}/${each.value[1]}"
  retention_in_days = var.context.log_retention_days
  kms_key_id        = var.context.kms_key_arn
}
