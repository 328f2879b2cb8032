# The token that changes of the catalogue need.

locals {
  write_environment = [for variable in [
    { name = "SEEDING", value = var.seeding_is_allowed ? "on" : "off" },
    { name = "WRITE_TOKEN_SECRET_ARN", value = var.write_token_secret_arn },
  ] : variable if variable.value != null]
}
