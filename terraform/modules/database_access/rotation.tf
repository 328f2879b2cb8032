# The function that rotates the logins, and when it is to. The same package as the others with another handler and a role of
# its own.

locals {
  rotation_name = "${var.name}-rotation"
  rotation_arn  = "${local.function_arn_prefix}${local.rotation_name}"

  secret_arn_by_login = { for name, secret in aws_secretsmanager_secret.login : name => secret.arn }
}

resource "aws_cloudwatch_log_group" "rotation" {
  name              = "/aws/lambda/${local.rotation_name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_lambda_function" "rotation" {
  function_name = local.rotation_name
  description   = "Replaces the passwords of the logins of database ${var.database.name}, step by step, for Secrets Manager"
  role          = aws_iam_role.rotation.arn

  filename         = var.package_file
  source_code_hash = local.package_hash
  handler          = "db_bootstrap.rotation_handler.rotate"
  runtime          = local.runtime
  architectures    = local.architectures
  memory_size      = local.memory_size
  timeout          = local.timeout

  # None reserved: a new account may have ten executions in all, and then AWS lets nobody reserve any.
  reserved_concurrent_executions = -1

  kms_key_arn = var.kms_key_arn

  # A trace is continued where a caller has begun one; none is begun here.
  tracing_config {
    mode = "PassThrough"
  }

  environment {
    variables = merge(local.database_environment, {
      ROTATED_LOGINS          = jsonencode(local.secret_arn_by_login)
      POWERTOOLS_SERVICE_NAME = local.rotation_name
      POWERTOOLS_LOG_LEVEL    = "INFO"
    })
  }

  vpc_config {
    subnet_ids         = var.subnet_ids
    security_group_ids = [var.security_group_id]
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.rotation.name
  }

  # Lambda makes the network interfaces with the function's role, and removes them with it when the function goes.
  depends_on = [aws_iam_role_policy.rotation]
}

resource "aws_iam_role" "rotation" {
  name                 = local.rotation_name
  description          = "What the function that rotates the logins may do in AWS"
  assume_role_policy   = data.aws_iam_policy_document.assumed_by_lambda.json
  permissions_boundary = var.permissions_boundary_arn
}

data "aws_iam_policy_document" "rotation" {
  source_policy_documents = [data.aws_iam_policy_document.in_network.json, data.aws_iam_policy_document.encrypt_secrets.json]

  statement {
    sid       = "ReadMasterSecret"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [var.database.master_secret_arn]
  }

  dynamic "statement" {
    for_each = length(local.rotated_logins) > 0 ? ["RotateLoginSecrets"] : []

    content {
      sid = statement.value
      actions = [
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
      ]
      resources = values(local.secret_arn_by_login)
    }
  }

  statement {
    sid       = "OwnLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.rotation.arn}:*"]
  }
}

resource "aws_iam_role_policy" "rotation" {
  name   = "rotate-logins"
  role   = aws_iam_role.rotation.name
  policy = data.aws_iam_policy_document.rotation.json
}

# One permission a secret: only the rotation of this very secret may invoke the function, not that of another one in the
# account. AWS advises against naming the secret because one permission then serves no second one; here each has its own.
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html
resource "aws_lambda_permission" "rotation" {
  for_each = local.rotated_logins

  statement_id   = "Rotate-${each.key}"
  function_name  = aws_lambda_function.rotation.function_name
  action         = "lambda:InvokeFunction"
  principal      = "secretsmanager.amazonaws.com"
  source_account = data.aws_caller_identity.current.account_id
  source_arn     = aws_secretsmanager_secret.login[each.key].arn
}

resource "aws_secretsmanager_secret_rotation" "login" {
  # checkov:skip=CKV_AWS_304:The interval is a variable, 30 days unless somebody says otherwise, which the check does not follow into an object
  for_each = local.rotated_logins

  secret_id           = aws_secretsmanager_secret.login[each.key].id
  rotation_lambda_arn = aws_lambda_function.rotation.arn

  # A rotation goes on after the call that begins it has answered: the tasks of this apply would start into the middle of
  # it, and a failure would not fail the apply. So Secrets Manager only tries the testSecret step now, and the first
  # rotation comes when it is due.
  rotate_immediately = false

  rotation_rules {
    automatically_after_days = var.rotation.days
    schedule_expression      = var.rotation.schedule
    duration                 = var.rotation.window_hours == null ? null : "${var.rotation.window_hours}h"
  }

  # There must be a credential to rotate from, and the function must be allowed to.
  depends_on = [aws_lambda_invocation.apply, aws_lambda_permission.rotation, aws_iam_role_policy.rotation]
}
