# Enhanced monitoring: an agent on the instance's host sends the operating system's figures to CloudWatch Logs.

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}
data "aws_partition" "current" {}

locals {
  is_monitored  = var.monitoring_interval_seconds > 0
  instance_arns = [for name in local.instances : "arn:${data.aws_partition.current.partition}:rds:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:db:${name}"]
}

data "aws_iam_policy_document" "assumed_by_monitoring" {
  count = local.is_monitored ? 1 : 0

  statement {
    sid     = "AssumeRoleForOwnInstance"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["monitoring.rds.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = local.instance_arns
    }
  }
}

resource "aws_iam_role" "monitoring" {
  count = local.is_monitored ? 1 : 0

  name                 = "${var.context.name}-database-monitoring"
  description          = "Enhanced monitoring of the database"
  assume_role_policy   = data.aws_iam_policy_document.assumed_by_monitoring[0].json
  permissions_boundary = var.context.permissions_boundary_arn
}

# AWS's own policy: it lets the role write to the one log group of all enhanced monitoring only.
resource "aws_iam_role_policy_attachment" "monitoring" {
  count = local.is_monitored ? 1 : 0

  role       = aws_iam_role.monitoring[0].name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}
