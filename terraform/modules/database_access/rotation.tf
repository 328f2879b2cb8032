# The function that rotates the logins, and its schedule. The same package as the others with another handler and a role of
# its own.

locals {
  rotation_name = "${local.context.name}-rotation"

  secret_arn_by_login = { for name, secret in aws_secretsmanager_secret.login : name => secret.arn }
}

module "rotation" {
  source = "../function"

  context          = local.context
  name             = local.rotation_name
  description      = "Replaces the passwords of the logins of database ${var.database.name}, step by step, for Secrets Manager"
  handler          = "db_bootstrap.lambdas.rotate.rotate"
  memory_mebibytes = local.memory_mebibytes
  timeout_seconds  = local.timeout_seconds
  permissions      = jsonencode({ Version = "2012-10-17", Statement = concat(local.read_secrets, local.write_secrets["RotateLoginSecrets"]) })
  network          = local.database_network

  environment = merge(local.database_environment, {
    ROTATED_LOGINS          = jsonencode(local.secret_arn_by_login)
    POWERTOOLS_SERVICE_NAME = local.rotation_name
    POWERTOOLS_LOG_LEVEL    = "INFO"
  })

  package_file          = local.package_file
  dead_letter_topic_arn = local.dead_letter_topic_arn
}

# One permission a secret: only the rotation of this very secret can invoke the function, not that of another one in the
# account. AWS advises against naming the secret because one permission then serves no second one; here each has its own.
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html
resource "aws_lambda_permission" "rotation" {
  for_each = local.rotated_logins

  statement_id_prefix = "Rotate-" # a login's name can have characters that an ID cannot
  function_name       = module.rotation.name
  action              = "lambda:InvokeFunction"
  principal           = "secretsmanager.amazonaws.com"
  source_account      = data.aws_caller_identity.current.account_id
  source_arn          = aws_secretsmanager_secret.login[each.key].arn
}

resource "aws_secretsmanager_secret_rotation" "login" {
  for_each = local.rotated_logins

  secret_id           = aws_secretsmanager_secret.login[each.key].id
  rotation_lambda_arn = module.rotation.arn

  # A rotation continues after the call that starts it has answered: the tasks of this apply would start into the middle of
  # it, and a failure would not fail the apply. So Secrets Manager only tries the testSecret step now, and the first
  # rotation comes when it is due.
  rotate_immediately = false

  rotation_rules {
    automatically_after_days = var.rotation.days
    schedule_expression      = var.rotation.schedule
    duration                 = var.rotation.window_hours == null ? null : "${var.rotation.window_hours}h"
  }

  # There must be a credential to rotate from, and the function must be allowed to.
  depends_on = [aws_lambda_invocation.apply, aws_lambda_permission.rotation]
}
