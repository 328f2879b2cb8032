# The bearer token that clients need to change the catalogue. A new value replaces it, and both are valid until the
# next one: the service accepts what is labelled AWSCURRENT and AWSPREVIOUS.
resource "aws_secretsmanager_secret" "this" {
  # A prefix, because the name of a secret that is scheduled for deletion stays taken.
  name_prefix             = "${var.context.name}/service/write-token-"
  description             = "Bearer token that ${var.context.name} asks for when the catalogue is changed"
  kms_key_id              = var.context.kms_key_arn
  recovery_window_in_days = var.context.is_temporary ? 0 : 30
}

resource "aws_secretsmanager_secret_version" "first" {
  secret_id                = aws_secretsmanager_secret.this.id
  secret_string_wo         = local.first_value
  secret_string_wo_version = 1 # the first value, and never another: later ones are put by people

  # Secrets Manager can delete a version without a label, as this one would be after two more values. Terraform would then put
  # another value, which replaces the current one.
  # https://github.com/terraform-aws-modules/terraform-aws-secrets-manager/issues/24
  version_stages = ["AWSCURRENT", "FIRST"]
  lifecycle { ignore_changes = [version_stages] }
}
