# A key and a topic, unless they are given.

locals {
  kms_key_arn           = one(concat(var.kms_key[*].arn, aws_kms_key.this[*].arn))
  dead_letter_topic_arn = one(concat(var.dead_letter_topic[*].arn, aws_sns_topic.this[*].arn))
  alarm_topic_arns      = concat(var.alarm_topic_arns, aws_sns_topic.this[*].arn)
}

data "aws_iam_policy_document" "key" {
  # AWS recommends this for every key: without it, the key could never be changed again.
  statement {
    sid       = "EnableIAMPolicies"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root"]
    }
  }

  statement {
    sid       = "EncryptOwnLogGroups"
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["logs.${data.aws_region.current.id}.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = ["arn:${data.aws_partition.current.partition}:logs:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:log-group:/aws/lambda/${local.name}-*"]
    }
  }

  # EventBridge supplies no aws:SourceAccount to an encrypted topic; SNS supplies the topic.
  # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
  statement {
    sid       = "PublishAlarmsAndEvents"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com", "events.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:aws:sns:topicArn"
      values   = ["arn:${data.aws_partition.current.partition}:sns:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:${local.name}-access"]
    }
  }
}

resource "aws_kms_key" "this" {
  count = var.kms_key == null ? 1 : 0

  description             = "Secrets, settings and logs of the access to database ${var.database.name}"
  policy                  = data.aws_iam_policy_document.key.json
  enable_key_rotation     = true
  deletion_window_in_days = var.context.is_temporary ? 7 : 30
}

resource "aws_sns_topic" "this" {
  count = var.dead_letter_topic == null ? 1 : 0

  name              = "${local.name}-access"
  kms_master_key_id = local.kms_key_arn
}

# EventBridge supports no conditions in a topic's policy.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions
data "aws_iam_policy_document" "topic" {
  count = length(aws_sns_topic.this)

  statement {
    sid       = "PublishAlarmsAndEvents"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.this[0].arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com", "events.amazonaws.com"]
    }
  }
}

resource "aws_sns_topic_policy" "this" {
  count = length(aws_sns_topic.this)

  arn    = aws_sns_topic.this[0].arn
  policy = data.aws_iam_policy_document.topic[0].json
}
