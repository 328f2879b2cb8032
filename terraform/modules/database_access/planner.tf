# The function that can only look: Terraform reads its plan, and a schedule has it watch for drift. The same package as the
# other one with another handler, in whose path nothing changes a database or writes a secret.

locals {
  planner_name = "${var.name}-access-plan"
  planner_arn  = "${local.function_arn_prefix}${local.planner_name}"
}

resource "aws_cloudwatch_log_group" "planner" {
  name              = "/aws/lambda/${local.planner_name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_lambda_function" "planner" {
  function_name = local.planner_name
  description   = "Says what would make database ${var.database.name} equal to what is declared, and changes nothing"
  role          = aws_iam_role.planner.arn

  filename         = var.package_file
  source_code_hash = local.package_hash
  handler          = "db_bootstrap.planner.plan"
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
    log_group  = aws_cloudwatch_log_group.planner.name
  }

  # Lambda makes the network interfaces with the function's role, and removes them with it when the function goes.
  depends_on = [aws_iam_role_policy.planner]
}

resource "aws_iam_role" "planner" {
  name                 = local.planner_name
  description          = "What the function that plans database access may do in AWS"
  assume_role_policy   = data.aws_iam_policy_document.assumed_by_lambda.json
  permissions_boundary = var.permissions_boundary_arn
}

data "aws_iam_policy_document" "planner" {
  source_policy_documents = [data.aws_iam_policy_document.in_network.json]

  statement {
    sid       = "ReadMasterSecret"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [var.database.master_secret_arn]
  }

  statement {
    sid       = "OwnLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.planner.arn}:*"]
  }
}

resource "aws_iam_role_policy" "planner" {
  name   = "access-plan"
  role   = aws_iam_role.planner.name
  policy = data.aws_iam_policy_document.planner.json
}
