# The topic of all alarms of the environment and of its budget.

locals {
  topic_arns = concat([aws_sns_topic.alarms.arn], var.other_topic_arns)
}

resource "aws_sns_topic" "alarms" {
  name              = "${var.context.name}-alarms"
  kms_master_key_id = var.context.kms_key_arn
}

data "aws_iam_policy_document" "topic" {
  statement {
    sid       = "PublishFromOwnAlarmsAndBudget"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alarms.arn]

    principals {
      type        = "Service"
      identifiers = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }

  # EventBridge supports no conditions in a topic's policy.
  # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions
  statement {
    sid       = "PublishEvents"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alarms.arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
  }
}

resource "aws_sns_topic_policy" "alarms" {
  arn    = aws_sns_topic.alarms.arn
  policy = data.aws_iam_policy_document.topic.json
}

# Each address gets a message that asks for confirmation, and no alarms until then.
resource "aws_sns_topic_subscription" "email" {
  for_each = var.emails

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}
