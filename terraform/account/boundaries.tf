# Boundaries grant nothing. They limit what a role can do, whatever policies are attached to it.

# For the pipeline's own roles: everything but changing who may do what in this account, and in one region alone. Services
# that have no region answer from us-east-1.
data "aws_iam_policy_document" "pipeline_boundary" {
  statement {
    sid = "AllExceptIdentityManagement"
    not_actions = [
      "account:*", "organizations:*",
      "iam:*AccessKey*", "iam:*Group*", "iam:*LoginProfile*", "iam:*MFADevice*", "iam:*User*",
    ]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [var.region, "us-east-1"]
    }
  }

  statement {
    sid    = "DenyPipelineChanges"
    effect = "Deny"
    actions = [
      "iam:Attach*", "iam:Create*", "iam:Delete*", "iam:Detach*", "iam:Put*", "iam:Remove*", "iam:Set*", "iam:Tag*", "iam:Untag*", "iam:Update*",
    ]
    resources = [
      for name in ["role/${var.project_name}-build", "role/${var.project_name}-deploy-*", "role/${var.project_name}-drift", "role/${var.project_name}-plan", "role/${var.project_name}-release-plan", "policy/${var.project_name}-*", "oidc-provider/*"] :
      "arn:${local.partition}:iam::${local.account_id}:${name}"
    ]
  }

  statement {
    sid       = "DenyStateBucketChanges"
    effect    = "Deny"
    actions   = ["s3:DeleteBucket*", "s3:DeleteObjectVersion", "s3:PutBucket*", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration"]
    resources = [module.state_bucket.arn, "${module.state_bucket.arn}/*"]
  }
}

resource "aws_iam_policy" "pipeline_boundary" {
  name        = "${var.project_name}-pipeline-boundary"
  description = "What no role of the pipeline can ever do"
  policy      = data.aws_iam_policy_document.pipeline_boundary.json
}

# For the roles that a deployment makes: what tasks and functions of that environment could ever need. A deployment can make
# no role without it, so it cannot escalate its privileges by a role that it passes to a function.
data "aws_iam_policy_document" "workload_boundary" {
  for_each = var.deploy_environments

  source_policy_documents = [data.aws_iam_policy_document.deny_other_environments[each.key].json]

  statement {
    sid       = "UseOwnSecrets"
    actions   = ["secretsmanager:*"]
    resources = ["arn:${local.partition}:secretsmanager:${local.place}:secret:${local.own[each.key]}/*"]
  }

  statement {
    sid       = "UseOwnMasterSecret"
    actions   = ["secretsmanager:*"]
    resources = [local.master_secrets]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/aws:rds:primaryDBInstanceArn"
      values   = [local.own_instance[each.key]]
    }
  }

  # Its users are limited further by the key's policy and by their own.
  statement {
    sid       = "UseOwnKeyThroughServices"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
    resources = ["arn:${local.partition}:kms:${local.place}:key/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/Environment"
      values   = [each.key]
    }

    condition {
      test     = "StringLike"
      variable = "kms:ViaService"
      values   = ["*.${var.region}.amazonaws.com"]
    }
  }

  statement {
    sid     = "WriteOwnLogs"
    actions = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    resources = concat(
      [for group in local.own_log_groups[each.key] : "${group}:*"],
      ["arn:${local.partition}:logs:${local.place}:log-group:RDS*"], # of all enhanced monitoring
    )
  }

  statement {
    sid       = "WriteEnhancedMonitoringLogs"
    actions   = ["logs:CreateLogGroup", "logs:PutRetentionPolicy"]
    resources = ["arn:${local.partition}:logs:${local.place}:log-group:RDS*"]
  }

  statement {
    sid       = "PullImages"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [local.registry_arn]
  }

  # Lambda joins a VPC with the function's role; calls of the function's code have its ARN. The interfaces carry no tag, but
  # their subnets and groups do.
  statement {
    sid = "ManageNetworkInterfaces"
    actions = [
      "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
      "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
    ]
    resources = ["*"]

    condition {
      test     = "Null"
      variable = "lambda:SourceFunctionArn"
      values   = ["true"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [var.region]
    }
  }

  statement {
    sid       = "UnscopedActions"
    actions   = ["cloudwatch:PutMetricData", "ecr:GetAuthorizationToken", "secretsmanager:GetRandomPassword", "ssmmessages:*"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [var.region]
    }
  }

  statement {
    sid     = "InvokeAndPublishOwn"
    actions = ["lambda:InvokeFunction", "sns:Publish"]
    resources = [
      "arn:${local.partition}:lambda:${local.place}:function:${var.project_name}-${each.key}-*",
      "arn:${local.partition}:sns:${local.place}:${var.project_name}-${each.key}-*",
    ]
  }

  dynamic "statement" {
    for_each = local.own_database_ids[each.key] == null ? [] : ["ConnectToOwnDatabase"]

    content {
      sid       = statement.value
      actions   = ["rds-db:connect"]
      resources = ["arn:${local.partition}:rds-db:${local.place}:dbuser:${local.own_database_ids[each.key]}/*"]
    }
  }
}

resource "aws_iam_policy" "workload_boundary" {
  for_each = var.deploy_environments

  # An environment finds it by this name.
  name        = "${var.project_name}-${each.key}-boundary"
  description = "What no role of the environment ${each.key} can ever do more than"
  policy      = data.aws_iam_policy_document.workload_boundary[each.key].json
}
