# A key and a topic, unless they are given.

locals {
  kms_key_arn           = one(concat(var.kms_key[*].arn, aws_kms_key.this[*].arn))
  dead_letter_topic_arn = one(concat(var.dead_letter_topic[*].arn, aws_sns_topic.this[*].arn))
  alarm_topic_arns      = concat(var.alarm_topic_arns, aws_sns_topic.this[*].arn)

  partition  = data.aws_partition.current.partition
  account_id = data.aws_caller_identity.current.account_id
  place      = "${data.aws_region.current.id}:${local.account_id}"

  key_policy = [
    # AWS recommends this for every key: without it, the key could never be changed again.
    { Sid = "EnableIAMPolicies", Effect = "Allow", Principal = { AWS = "arn:${local.partition}:iam::${local.account_id}:root" }, Action = "kms:*", Resource = "*" },
    {
      Sid       = "EncryptOwnLogGroups", Effect = "Allow", Principal = { Service = "logs.${data.aws_region.current.id}.amazonaws.com" }, Resource = "*"
      Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
      Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:${local.partition}:logs:${local.place}:log-group:/aws/lambda/${local.name}-*" } }
    },
    # SNS supplies the topic, whereas EventBridge supplies no aws:SourceAccount.
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    {
      Sid       = "PublishToOwnTopic", Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey*"], Resource = "*"
      Principal = { Service = ["cloudwatch.amazonaws.com", "events.amazonaws.com"] }
      Condition = { StringEquals = { "kms:EncryptionContext:aws:sns:topicArn" = "arn:${local.partition}:sns:${local.place}:${local.name}-access" } }
    },
  ]
}

resource "aws_kms_key" "this" {
  count = var.kms_key == null ? 1 : 0

  description             = "Secrets, settings and logs of the access to database ${var.database.name}"
  policy                  = jsonencode({ Version = "2012-10-17", Statement = local.key_policy })
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
resource "aws_sns_topic_policy" "this" {
  count = length(aws_sns_topic.this)

  arn = aws_sns_topic.this[0].arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "PublishOwnAlarms", Effect = "Allow", Principal = { Service = "cloudwatch.amazonaws.com" }, Action = "sns:Publish", Resource = aws_sns_topic.this[0].arn, Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } } },
      { Sid = "PublishEvents", Effect = "Allow", Principal = { Service = "events.amazonaws.com" }, Action = "sns:Publish", Resource = aws_sns_topic.this[0].arn },
    ]
  })
}
