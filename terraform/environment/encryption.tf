# One key for all that this environment keeps: the database, its snapshots, secrets and logs. Without it, none can be read.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition

  # A deleted key takes everything with it that it encrypts, the final snapshot too.
  key_recovery_days = var.is_temporary ? 7 : 30

  key_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        # AWS recommends this for every key: without it, the key could never be changed again.
        # https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
        Sid       = "EnableIAMPolicies"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        # CloudWatch Logs encrypts with a key only for log groups that the key's policy names.
        Sid       = "EncryptOwnLogGroups"
        Effect    = "Allow"
        Principal = { Service = "logs.${var.region}.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*"
        Condition = {
          ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:${local.partition}:logs:${var.region}:${local.account_id}:log-group:*${local.name}*" }
        }
      },
      {
        # Publishing to the encrypted topic of alarms needs the key too. SNS supplies the topic, whereas EventBridge supplies no
        # aws:SourceAccount. https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        Sid       = "PublishToOwnTopic"
        Effect    = "Allow"
        Principal = { Service = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com"] }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = {
          StringEquals = { "kms:EncryptionContext:aws:sns:topicArn" = "arn:${local.partition}:sns:${var.region}:${local.account_id}:${local.name}-alarms" }
        }
      },
    ]
  }
}

resource "aws_kms_key" "environment" {
  description             = "Data of ${local.name}: database, secrets, logs"
  policy                  = jsonencode(local.key_policy)
  enable_key_rotation     = true
  deletion_window_in_days = local.key_recovery_days
}

resource "aws_kms_alias" "environment" {
  name          = "alias/${local.name}"
  target_key_id = aws_kms_key.environment.key_id
}
