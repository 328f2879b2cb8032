# ECS Exec, off by default: logs show what a task does, and manual changes are lost with the task.

data "aws_iam_policy_document" "exec" {
  count = var.exec_is_allowed ? 1 : 0

  statement {
    sid = "OpenExecChannels"
    actions = [
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
    ]
    resources = ["*"] # the actions know no resource
  }
}
