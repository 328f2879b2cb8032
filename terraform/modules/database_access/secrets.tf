locals {
  rotated_logins = toset([for name, login in try(var.access.logins, {}) : name if login.credential == "rotated"])
}

# Empty here: the function makes each password inside the VPC and puts it in, so that Terraform never sees one.
resource "aws_secretsmanager_secret" "login" {
  for_each = local.rotated_logins

  # A prefix, because the name of a secret that is scheduled for deletion stays taken.
  name_prefix             = "${local.context.name}/database/${each.key}-"
  description             = "Login ${each.key} of database ${var.database.name}"
  kms_key_id              = local.context.kms_key_arn
  recovery_window_in_days = local.context.is_temporary ? 0 : 30
}
