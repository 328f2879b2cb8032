# The function that makes the database's roles, logins and privileges what is declared.

module "bootstrap" {
  source = "../function"

  context          = var.context
  name             = "${var.context.name}-database-access"
  description      = "Makes roles, logins and privileges of database ${var.database.name} equal to what is declared"
  handler          = "db_bootstrap.lambdas.apply.bootstrap"
  memory_mebibytes = local.memory_mebibytes
  timeout_seconds  = local.timeout_seconds
  permissions      = data.aws_iam_policy_document.bootstrap.json
  network          = local.database_network
  environment      = local.access_environment

  package_file          = var.package_file
  dead_letter_topic_arn = var.dead_letter_topic_arn
}

data "aws_iam_policy_document" "bootstrap" {
  source_policy_documents = [data.aws_iam_policy_document.read_secrets.json, data.aws_iam_policy_document.encrypt_secrets.json]

  dynamic "statement" {
    for_each = length(local.rotated_logins) > 0 ? ["ManageLoginSecrets"] : []

    content {
      sid = statement.value
      actions = [
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
      ]
      resources = [for secret in aws_secretsmanager_secret.login : secret.arn]
    }
  }
}
