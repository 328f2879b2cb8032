# Enhanced monitoring: an agent on the instance's host sends the operating system's figures to CloudWatch Logs.

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}
data "aws_partition" "current" {}

locals {
  is_monitored  = var.monitoring_interval_seconds > 0
  instance_arns = [for name in local.instances : "arn:${data.aws_partition.current.partition}:rds:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:db:${name}"]
}

resource "aws_iam_role" "monitoring" {
  count = local.is_monitored ? 1 : 0

  name                 = "${var.context.name}-database-monitoring"
  description          = "Enhanced monitoring of the database"
  permissions_boundary = var.context.permissions_boundary_arn

  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Sid       = "AssumeRoleForOwnInstance"
    Effect    = "Allow"
    Action    = "sts:AssumeRole"
    Principal = { Service = "monitoring.rds.amazonaws.com" }
    Condition = {
      StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
      ArnEquals    = { "aws:SourceArn" = local.instance_arns }
    }
  }] })
}

# AWS's own policy: it lets the role write to the one log group of all enhanced monitoring only.
resource "aws_iam_role_policy_attachment" "monitoring" {
  count = local.is_monitored ? 1 : 0

  role       = aws_iam_role.monitoring[0].name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}
