# A shell in a running task. Off: what a task does is read in its log, and a change made by hand is gone with the task.

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
