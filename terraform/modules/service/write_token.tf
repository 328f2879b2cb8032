# The token that changes of the catalogue need.

locals {
  write_environment = [for variable in [
    { name = "SEEDING", value = var.seeding_is_allowed ? "on" : "off" },
    { name = "WRITE_TOKEN_SECRET_ARN", value = var.write_token_secret_arn },
  ] : variable if variable.value != null]
}

# What the task's role may do in all.
data "aws_iam_policy_document" "running" {
  source_policy_documents = concat(
    [one(concat(data.aws_iam_policy_document.task, data.aws_iam_policy_document.connect)).json],
    data.aws_iam_policy_document.exec[*].json,
  )

  dynamic "statement" {
    for_each = var.write_token_secret_arn == null ? [] : [var.write_token_secret_arn]

    content {
      sid       = "GetWriteToken"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [statement.value]
    }
  }

  # The environment's key, for this one secret and through Secrets Manager alone.
  dynamic "statement" {
    for_each = var.write_token_secret_arn == null ? [] : [var.write_token_secret_arn]

    content {
      sid       = "DecryptWriteToken"
      actions   = ["kms:Decrypt"]
      resources = [var.context.kms_key_arn]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["secretsmanager.${data.aws_region.current.id}.amazonaws.com"]
      }

      condition {
        test     = "StringEquals"
        variable = "kms:EncryptionContext:SecretARN"
        values   = [statement.value]
      }
    }
  }
}
