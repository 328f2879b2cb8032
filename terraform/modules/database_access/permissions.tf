# Common permissions of the functions that log in to the database; each function adds others.

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}
data "aws_partition" "current" {}

locals {
  via_secrets_manager = { "kms:ViaService" = "secretsmanager.${data.aws_region.current.id}.amazonaws.com" }
  own_secrets         = "arn:${local.partition}:secretsmanager:${local.place}:secret:${local.context.name}/database/*"

  master_secret_arns = local.master_is_iam ? [] : [var.database.master_secret_arn]
  # A pattern, so that a new login changes no policy: the function is invoked before IAM would have propagated it.
  # https://github.com/aws-ia/terraform-aws-control_tower_account_factory/issues/113
  login_secret_arns = [for pattern in [local.own_secrets] : pattern if length(local.rotated_logins) > 0]

  # The key, for the database's secrets and through Secrets Manager alone.
  read_secrets = concat(
    [for arn in local.master_secret_arns : { Sid = "ReadMasterSecret", Effect = "Allow", Action = ["secretsmanager:GetSecretValue"], Resource = [arn] }],
    [for user in var.database.master_iam_user[*] : {
      Sid      = "ConnectAsMaster", Effect = "Allow", Action = ["rds-db:connect"]
      Resource = ["arn:${local.partition}:rds-db:${local.place}:dbuser:${var.database.resource_id}/${user}"]
    }],
    [for arns in [concat(local.master_secret_arns, local.login_secret_arns)] : {
      Sid       = "DecryptSecrets", Effect = "Allow", Action = ["kms:Decrypt"]
      Resource  = distinct(compact([local.context.kms_key_arn, var.database.master_secret_kms_key_arn]))
      Condition = { StringEquals = local.via_secrets_manager, StringLike = { "kms:EncryptionContext:SecretARN" = arns } }
    } if length(arns) > 0],
  )

  # For those that put credentials into the logins' secrets. IAM accepts no statement without a resource.
  write_secrets = { for sid in ["ManageLoginSecrets", "RotateLoginSecrets"] : sid => concat([
    {
      Sid       = "EncryptSecrets", Effect = "Allow", Action = ["kms:GenerateDataKey"], Resource = [local.context.kms_key_arn]
      Condition = { StringEquals = local.via_secrets_manager, StringLike = { "kms:EncryptionContext:SecretARN" = local.own_secrets } }
    },
    ], [for arns in [local.login_secret_arns] : {
      Sid      = sid, Effect = "Allow"
      Action   = [for action in ["DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"] : "secretsmanager:${action}"]
      Resource = arns
  } if length(arns) > 0]) }
}
