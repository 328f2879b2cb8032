# What functions may do that log in to the database; each adds its own.

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}
data "aws_partition" "current" {}

data "aws_iam_policy_document" "read_secrets" {
  statement {
    sid       = "ReadMasterSecret"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [var.database.master_secret_arn]
  }

  # The environment's key, for the database's secrets and through Secrets Manager alone.
  statement {
    sid       = "DecryptSecrets"
    actions   = ["kms:Decrypt"]
    resources = distinct(compact([var.context.kms_key_arn, var.database.master_secret_kms_key_arn]))

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${data.aws_region.current.id}.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:SecretARN"
      values   = concat([var.database.master_secret_arn], [for secret in aws_secretsmanager_secret.login : secret.arn])
    }
  }
}

# For those that put credentials into the logins' secrets.
data "aws_iam_policy_document" "encrypt_secrets" {
  statement {
    sid       = "EncryptSecrets"
    actions   = ["kms:GenerateDataKey"]
    resources = [var.context.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${data.aws_region.current.id}.amazonaws.com"]
    }

    condition {
      test     = "StringLike"
      variable = "kms:EncryptionContext:SecretARN"
      values   = ["arn:${data.aws_partition.current.partition}:secretsmanager:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:secret:${var.context.name}/database/*"]
    }
  }
}
