# A shell in a running task. Off: what a task does is read in its log, and a change made by hand is gone with the task.

variable "exec_is_allowed" {
  description = "Whether people may open a shell in a task (aws ecs execute-command). The root file system is then writable, because the agent that opens it writes there."
  type        = bool
  default     = false
  nullable    = false
}

data "aws_iam_policy_document" "exec" {
  count = var.exec_is_allowed ? 1 : 0

  statement {
    sid = "OpenShell"
    actions = [
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
    ]
    resources = ["*"] # the actions know no resource
  }
}
