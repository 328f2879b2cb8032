# Common permissions of the functions that log in to the database; each function adds others.

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}
data "aws_partition" "current" {}

locals {
  via_secrets_manager = { "kms:ViaService" = "secretsmanager.${data.aws_region.current.id}.amazonaws.com" }
  own_secrets         = "arn:${local.partition}:secretsmanager:${local.place}:secret:${local.context.name}/database/*"

  master_secret_arns = local.master_is_iam ? [] : [var.database.master_secret_arn]
  read_secret_arns   = concat(local.master_secret_arns, [for secret in aws_secretsmanager_secret.login : secret.arn])

  # The key, for the database's secrets and through Secrets Manager alone.
  read_secrets = concat(
    [for arn in local.master_secret_arns : { Sid = "ReadMasterSecret", Effect = "Allow", Action = ["secretsmanager:GetSecretValue"], Resource = [arn] }],
    [for user in var.database.master_iam_user[*] : {
      Sid      = "ConnectAsMaster", Effect = "Allow", Action = ["rds-db:connect"]
      Resource = ["arn:${local.partition}:rds-db:${local.place}:dbuser:${var.database.resource_id}/${user}"]
    }],
    [for arns in [local.read_secret_arns] : {
      Sid       = "DecryptSecrets", Effect = "Allow", Action = ["kms:Decrypt"]
      Resource  = distinct(compact([local.context.kms_key_arn, var.database.master_secret_kms_key_arn]))
      Condition = { StringEquals = merge(local.via_secrets_manager, { "kms:EncryptionContext:SecretARN" = arns }) }
    } if length(arns) > 0],
  )

  # For those that put credentials into the logins' secrets. IAM accepts no statement without a resource.
  write_secrets = { for sid in ["ManageLoginSecrets", "RotateLoginSecrets"] : sid => concat([
    {
      Sid       = "EncryptSecrets", Effect = "Allow", Action = ["kms:GenerateDataKey"], Resource = [local.context.kms_key_arn]
      Condition = { StringEquals = local.via_secrets_manager, StringLike = { "kms:EncryptionContext:SecretARN" = local.own_secrets } }
    },
    ], [for arns in [[for secret in aws_secretsmanager_secret.login : secret.arn]] : {
      Sid      = sid, Effect = "Allow"
      Action   = [for action in ["DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"] : "secretsmanager:${action}"]
      Resource = arns
  } if length(arns) > 0]) }
}
