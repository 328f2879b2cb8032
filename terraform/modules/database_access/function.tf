locals {
  function_name = "${var.name}-database-access"
}

resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/${local.function_name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_lambda_function" "this" {
  function_name = local.function_name
  description   = "Makes roles, logins and privileges of database ${var.database.name} equal to what is declared"
  role          = aws_iam_role.function.arn

  filename         = var.package_file
  source_code_hash = local.package_hash
  handler          = "db_bootstrap.handlers.bootstrap"
  runtime          = local.runtime
  architectures    = local.architectures
  memory_size      = local.memory_size
  timeout          = local.timeout

  # None reserved: a new account may have ten executions in all, and then AWS lets nobody reserve any. Two invocations at once
  # wait for each other in the database.
  reserved_concurrent_executions = -1

  kms_key_arn = var.kms_key_arn

  # A trace is continued where a caller has begun one; none is begun here.
  tracing_config {
    mode = "PassThrough"
  }

  environment {
    variables = merge(local.database_environment, {
      POWERTOOLS_METRICS_NAMESPACE = local.metrics_namespace
      POWERTOOLS_SERVICE_NAME      = local.metrics_service
      POWERTOOLS_LOG_LEVEL         = "INFO"
    })
  }

  vpc_config {
    subnet_ids         = var.subnet_ids
    security_group_ids = [var.security_group_id]
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.function.name
  }

  # Lambda makes the network interfaces with the function's role, and removes them with it when the function goes.
  depends_on = [aws_iam_role_policy.function]

  lifecycle {
    precondition {
      condition     = fileexists(var.package_file)
      error_message = "There is no package at ${var.package_file}. Run `make package`, which builds it, or name another file."
    }
  }
}
