data "aws_caller_identity" "current" {}
data "aws_region" "current" {}
data "aws_partition" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  registry   = regex("^(?P<account_id>[0-9]+)\\.dkr\\.ecr\\.(?P<region>[a-z0-9-]+)\\.[a-z.]+/(?P<repository>[^:@]+)", var.image)
  repository_arn = join(":", [
    "arn", data.aws_partition.current.partition, "ecr", local.registry.region, local.registry.account_id,
    "repository/${local.registry.repository}",
  ])
}

# Without the conditions, ECS could be talked into lending these roles to a task of another account.
data "aws_iam_policy_document" "assumed_by_tasks" {
  statement {
    sid     = "AssumeRoleFromTasks"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${data.aws_partition.current.partition}:ecs:${data.aws_region.current.id}:${local.account_id}:*"]
    }
  }
}

# What ECS itself does to start a task: pull the image, open the log, inject the migrator's secret.
resource "aws_iam_role" "execution" {
  name                 = "${var.context.name}-execution"
  description          = "What ECS may do to start a task of the service"
  assume_role_policy   = data.aws_iam_policy_document.assumed_by_tasks.json
  permissions_boundary = var.context.permissions_boundary_arn
}

data "aws_iam_policy_document" "execution" {
  statement {
    sid       = "GetAuthorizationToken"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"] # the action knows no resource
  }

  statement {
    sid       = "PullImage"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [local.repository_arn]
  }

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.tasks.arn}:*"]
  }

  statement {
    sid       = "ReadMigratorSecret"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [var.migrator_secret_arn]
  }

  # The environment's key, for this one secret and through Secrets Manager alone.
  statement {
    sid       = "DecryptMigratorSecret"
    actions   = ["kms:Decrypt"]
    resources = [var.context.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${data.aws_region.current.id}.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:SecretARN"
      values   = [var.migrator_secret_arn]
    }
  }
}

resource "aws_iam_role_policy" "execution" {
  name   = "start-tasks"
  role   = aws_iam_role.execution.name
  policy = data.aws_iam_policy_document.execution.json
}

# What the running service does: log in to its database and, if there is one, read the write token.
resource "aws_iam_role" "task" {
  name                 = "${var.context.name}-task"
  description          = "What the running service may do in AWS"
  assume_role_policy   = data.aws_iam_policy_document.assumed_by_tasks.json
  permissions_boundary = var.context.permissions_boundary_arn
}

data "aws_iam_policy_document" "task" {
  count = local.is_by_token ? 0 : 1

  statement {
    sid       = "ReadLoginSecret"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [var.service_secret_arn]
  }

  # The environment's key, for this one secret and through Secrets Manager alone.
  statement {
    sid       = "DecryptLoginSecret"
    actions   = ["kms:Decrypt"]
    resources = [var.context.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${data.aws_region.current.id}.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:SecretARN"
      values   = [var.service_secret_arn]
    }
  }
}

resource "aws_iam_role_policy" "task" {
  name   = "own-login"
  role   = aws_iam_role.task.name
  policy = data.aws_iam_policy_document.running.json
}
