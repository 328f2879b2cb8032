# A backstop, off by default: tasks fetch a new credential by themselves, whenever they open a connection. Turned on, every
# new credential of the service starts its tasks anew, as a service needs that reads its credential only when it starts.

variable "redeploy_on_rotation" {
  description = "Whether each new credential of the service also starts its tasks anew."
  type        = bool
  default     = false
  nullable    = false
}

variable "redeploy_package_file" {
  description = "Path of the zip with the function that starts the tasks anew, as `make package` builds it; needed with redeploy_on_rotation only."
  type        = string
  default     = null

  validation {
    condition     = !var.redeploy_on_rotation || try(endswith(var.redeploy_package_file, ".zip"), false)
    error_message = "Give the path of a zip; `make package` builds build/db_bootstrap.zip."
  }
}

locals {
  redeploy_name  = "${var.name}-redeploy"
  redeploy_arn   = "arn:${data.aws_partition.current.partition}:lambda:${data.aws_region.current.name}:${local.account_id}:function:${local.redeploy_name}"
  redeploy_count = var.redeploy_on_rotation ? 1 : 0
}

# Secrets Manager's own event, which needs no CloudTrail trail.
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/event-detail-secret-label-updated-secretsmanager.html
resource "aws_cloudwatch_event_rule" "redeploy" {
  count = local.redeploy_count

  name        = local.redeploy_name
  description = "The login of service ${var.name} has a new credential"

  event_pattern = jsonencode({
    source        = ["aws.secretsmanager"]
    "detail-type" = ["Secret Label Updated"]
    resources     = [var.service_secret_arn]
    detail        = { labelUpdated = ["AWSCURRENT"] }
  })
}

# UpdateService is none of the targets that a rule can have, so a function calls it.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html
resource "aws_cloudwatch_event_target" "redeploy" {
  count = local.redeploy_count

  rule      = aws_cloudwatch_event_rule.redeploy[0].name
  target_id = "redeploy"
  arn       = aws_lambda_function.redeploy[0].arn
}

resource "aws_lambda_permission" "redeploy" {
  count = local.redeploy_count

  statement_id   = "RedeployOnRotation"
  function_name  = aws_lambda_function.redeploy[0].function_name
  action         = "lambda:InvokeFunction"
  principal      = "events.amazonaws.com"
  source_account = local.account_id
  source_arn     = aws_cloudwatch_event_rule.redeploy[0].arn
}

resource "aws_cloudwatch_log_group" "redeploy" {
  count = local.redeploy_count

  name              = "/aws/lambda/${local.redeploy_name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

# Not in the VPC, which has no endpoint of ECS.
resource "aws_lambda_function" "redeploy" {
  count = local.redeploy_count

  function_name = local.redeploy_name
  description   = "Starts the tasks of service ${var.name} anew"
  role          = aws_iam_role.redeploy[0].arn

  filename         = var.redeploy_package_file
  source_code_hash = filebase64sha256(var.redeploy_package_file)
  handler          = "db_bootstrap.redeploy.redeploy"
  runtime          = "python3.13"
  architectures    = ["arm64"]
  memory_size      = 256
  timeout          = 30

  # None reserved: a new account may have ten executions in all, and then AWS lets nobody reserve any.
  reserved_concurrent_executions = -1

  kms_key_arn = var.kms_key_arn

  # A trace is continued where a caller has begun one; none is begun here.
  tracing_config {
    mode = "PassThrough"
  }

  environment {
    variables = {
      ECS_CLUSTER             = aws_ecs_cluster.this.name
      ECS_SERVICE             = aws_ecs_service.this.name
      POWERTOOLS_SERVICE_NAME = local.redeploy_name
    }
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.redeploy[0].name
  }

  depends_on = [aws_iam_role_policy.redeploy]
}

data "aws_iam_policy_document" "assumed_by_lambda" {
  statement {
    sid     = "AssumedByLambda"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "redeploy" {
  count = local.redeploy_count

  name                 = local.redeploy_name
  description          = "Lets a function start the tasks of service ${var.name} anew"
  assume_role_policy   = data.aws_iam_policy_document.assumed_by_lambda.json
  permissions_boundary = var.permissions_boundary_arn
}

data "aws_iam_policy_document" "redeploy" {
  count = local.redeploy_count

  statement {
    sid       = "RedeployOwnService"
    actions   = ["ecs:UpdateService"]
    resources = [aws_ecs_service.this.id]
  }

  statement {
    sid       = "OwnLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.redeploy[0].arn}:*"]
  }

  # Lambda decrypts the environment variables with the function's role.
  statement {
    sid       = "DecryptEnvironment"
    actions   = ["kms:Decrypt"]
    resources = [var.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:aws:lambda:FunctionArn"
      values   = [local.redeploy_arn]
    }
  }
}

resource "aws_iam_role_policy" "redeploy" {
  count = local.redeploy_count

  name   = "redeploy-own-service"
  role   = aws_iam_role.redeploy[0].name
  policy = data.aws_iam_policy_document.redeploy[0].json
}
