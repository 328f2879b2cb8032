# The service's login: with the credential that a secret holds, or with a token that the tasks' role signs.

locals {
  is_by_token = var.iam_login != null

  # The secret's name and not its value: the credential is rotated while the task runs.
  database_login = (
    local.is_by_token
    ? { name = "DATABASE_IAM_URL", value = "postgresql://${var.iam_login.user}@${var.iam_login.address}:${var.iam_login.port}/${var.iam_login.database}" }
    : { name = "DATABASE_SECRET_ARN", value = var.service_secret_arn }
  )
}
