# The log of accepted and rejected connections, for incidents.

resource "aws_cloudwatch_log_group" "flows" {
  name              = "/vpc/${var.context.name}"
  retention_in_days = var.context.log_retention_days
  kms_key_id        = var.context.kms_key_arn
}

resource "aws_iam_role" "flow_log" {
  name                 = "${var.context.name}-flow-log"
  description          = "Permissions of the VPC's flow log"
  permissions_boundary = var.context.permissions_boundary_arn

  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Sid       = "AssumeRoleFromFlowLogs"
    Effect    = "Allow"
    Action    = "sts:AssumeRole"
    Principal = { Service = "vpc-flow-logs.amazonaws.com" }
    Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
  }] })
}

resource "aws_iam_role_policy" "flow_log" {
  name = "write-flow-log"
  role = aws_iam_role.flow_log.name

  policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Sid      = "WriteFlowLogs"
    Effect   = "Allow"
    Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    Resource = "${aws_cloudwatch_log_group.flows.arn}:*"
  }] })
}

resource "aws_flow_log" "this" {
  vpc_id                   = aws_vpc.this.id
  traffic_type             = "ALL"
  log_destination          = aws_cloudwatch_log_group.flows.arn
  iam_role_arn             = aws_iam_role.flow_log.arn
  max_aggregation_interval = 600 # seconds

  tags = { Name = var.context.name }

  depends_on = [aws_iam_role_policy.flow_log]
}
