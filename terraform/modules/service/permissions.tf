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

  # Reading one secret, with the environment's key through Secrets Manager alone.
  read_secret = { for key, secret in {
    migrator    = { arn = var.migrator_secret_arn, sids = ["ReadMigratorSecret", "DecryptMigratorSecret"] }
    login       = { arn = var.service_secret_arn, sids = ["ReadLoginSecret", "DecryptLoginSecret"] }
    write_token = { arn = var.write_token_secret_arn, sids = ["GetWriteToken", "DecryptWriteToken"] }
    } : key => [
    { Sid = secret.sids[0], Action = ["secretsmanager:GetSecretValue"], Resource = [secret.arn] },
    {
      Sid       = secret.sids[1]
      Action    = ["kms:Decrypt"]
      Resource  = [var.context.kms_key_arn]
      Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${data.aws_region.current.id}.amazonaws.com", "kms:EncryptionContext:SecretARN" = secret.arn } }
    },
  ] }

  # The actions with "*" support no resource.
  execution_statements = concat([
    { Sid = "GetAuthorizationToken", Action = ["ecr:GetAuthorizationToken"], Resource = ["*"] },
    { Sid = "PullImage", Action = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], Resource = [local.repository_arn] },
    { Sid = "WriteLogs", Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Resource = ["${aws_cloudwatch_log_group.tasks.arn}:*"] },
  ], local.read_secret.migrator)

  # ECS Exec is off by default: logs show what a task does, and manual changes are lost with the task.
  exec_actions = [for action in ["CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"] : "ssmmessages:${action}"]
  task_statements = concat(
    [for one in local.read_secret.login : one if !local.is_by_token],
    [for login in var.iam_login[*] : { Sid = "ConnectWithToken", Action = ["rds-db:connect"], Resource = [join(":", [
      "arn", data.aws_partition.current.partition, "rds-db", data.aws_region.current.id, local.account_id, "dbuser", "${login.resource_id}/${login.user}",
    ])] }],
    [for allowed in [var.exec_is_allowed] : { Sid = "OpenExecChannels", Action = local.exec_actions, Resource = ["*"] } if allowed],
    [for one in local.read_secret.write_token : one if var.write_token_secret_arn != null],
  )

  # Without the conditions, ECS could be talked into lending these roles to a task of another account.
  assumed_by_tasks = jsonencode({ Version = "2012-10-17", Statement = [{
    Sid       = "AssumeRoleFromTasks"
    Effect    = "Allow"
    Action    = "sts:AssumeRole"
    Principal = { Service = "ecs-tasks.amazonaws.com" }
    Condition = {
      StringEquals = { "aws:SourceAccount" = local.account_id }
      ArnLike      = { "aws:SourceArn" = "arn:${data.aws_partition.current.partition}:ecs:${data.aws_region.current.id}:${local.account_id}:*" }
    }
  }] })
}

# ECS's permissions to start a task: pull the image, open the log, inject the migrator's secret.
resource "aws_iam_role" "execution" {
  name                 = "${var.context.name}-execution"
  description          = "Permissions of ECS to start a task of the service"
  assume_role_policy   = local.assumed_by_tasks
  permissions_boundary = var.context.permissions_boundary_arn
}

resource "aws_iam_role_policy" "execution" {
  name   = "start-tasks"
  role   = aws_iam_role.execution.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [for one in local.execution_statements : merge({ Effect = "Allow" }, one)] })
}

# The running service's permissions: log in to its database and, if there is one, read the write token.
resource "aws_iam_role" "task" {
  name                 = "${var.context.name}-task"
  description          = "Permissions of the running service"
  assume_role_policy   = local.assumed_by_tasks
  permissions_boundary = var.context.permissions_boundary_arn
}

resource "aws_iam_role_policy" "task" {
  name   = "own-login"
  role   = aws_iam_role.task.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [for one in local.task_statements : merge({ Effect = "Allow" }, one)] })
}
