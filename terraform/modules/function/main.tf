resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.context.log_retention_days
  kms_key_id        = var.context.kms_key_arn
}

# trivy:ignore:AWS-0066 PassThrough continues the trace of a caller that samples; a function alone starts none, because one log line a run has its duration.
resource "aws_lambda_function" "this" {
  function_name = var.name
  description   = var.description
  role          = aws_iam_role.this.arn

  filename = var.package_file
  # Null where there is no package: the precondition says so in words.
  source_code_hash = try(filebase64sha256(var.package_file), null)
  handler          = var.handler
  runtime          = "python3.13"
  architectures    = ["arm64"]
  memory_size      = var.memory_mebibytes
  timeout          = var.timeout_seconds

  # None reserved: a new account may have ten executions in all, and then AWS refuses every reservation.
  reserved_concurrent_executions = -1

  kms_key_arn = var.context.kms_key_arn

  # A trace is continued where a caller has begun one; none is begun here.
  tracing_config { mode = "PassThrough" }

  environment { variables = var.environment }

  # Asynchronous events, from a schedule or a rule, go to this topic after three failed attempts.
  dead_letter_config { target_arn = var.dead_letter_topic_arn }

  vpc_config {
    subnet_ids         = var.network.subnet_ids
    security_group_ids = [var.network.security_group_id]
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  # Lambda makes the network interfaces with the function's role, and removes them with it when the function goes.
  depends_on = [aws_iam_role_policy.this]

  lifecycle {
    precondition {
      condition     = fileexists(var.package_file)
      error_message = "There is no package at ${var.package_file}. Run `make package`, which builds it, or name a release's zip."
    }
  }
}
