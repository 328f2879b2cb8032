# What functions may do that log in to the database; each adds its own.

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}
data "aws_partition" "current" {}

locals {
  via_secrets_manager = { "kms:ViaService" = "secretsmanager.${data.aws_region.current.id}.amazonaws.com" }
  own_secrets         = "arn:${data.aws_partition.current.partition}:secretsmanager:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:secret:${var.context.name}/database/*"

  # The environment's key, for the database's secrets and through Secrets Manager alone.
  read_secrets = [
    { Sid = "ReadMasterSecret", Effect = "Allow", Action = ["secretsmanager:GetSecretValue"], Resource = [var.database.master_secret_arn] },
    {
      Sid      = "DecryptSecrets", Effect = "Allow", Action = ["kms:Decrypt"]
      Resource = distinct(compact([var.context.kms_key_arn, var.database.master_secret_kms_key_arn]))
      Condition = { StringEquals = merge(local.via_secrets_manager, {
        "kms:EncryptionContext:SecretARN" = concat([var.database.master_secret_arn], [for secret in aws_secretsmanager_secret.login : secret.arn])
      }) }
    },
  ]

  # For those that put credentials into the logins' secrets. IAM accepts no statement without a resource.
  write_secrets = { for sid in ["ManageLoginSecrets", "RotateLoginSecrets"] : sid => concat([
    {
      Sid       = "EncryptSecrets", Effect = "Allow", Action = ["kms:GenerateDataKey"], Resource = [var.context.kms_key_arn]
      Condition = { StringEquals = local.via_secrets_manager, StringLike = { "kms:EncryptionContext:SecretARN" = local.own_secrets } }
    },
    ], [for arns in [[for secret in aws_secretsmanager_secret.login : secret.arn]] : {
      Sid      = sid, Effect = "Allow"
      Action   = [for action in ["DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"] : "secretsmanager:${action}"]
      Resource = arns
  } if length(arns) > 0]) }
}
