resource "aws_cloudwatch_log_group" "tasks" {
  name              = "/ecs/${var.context.name}"
  retention_in_days = var.context.log_retention_days
  kms_key_id        = var.context.kms_key_arn
}

locals {
  log_configuration = {
    logDriver = "awslogs"
    options = {
      awslogs-group         = aws_cloudwatch_log_group.tasks.name
      awslogs-region        = data.aws_region.current.id
      awslogs-stream-prefix = "task"
      # When CloudWatch Logs cannot be reached, lines are lost rather than requests held up.
      mode            = "non-blocking"
      max-buffer-size = "4m"
    }
  }
}
