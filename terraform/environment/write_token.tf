variable "writes_need_token" {
  description = "Whether changing the catalogue takes a bearer token. Without, everybody who reaches the service can change it."
  type        = bool
  default     = true
  nullable    = false
}

variable "seeding_is_allowed" {
  description = "Whether POST /beers/seed fills the catalogue with well-known beers; not where real ones are kept."
  type        = bool
  default     = false
  nullable    = false
}

module "write_token" {
  source = "../modules/write_token"
  count  = var.writes_need_token ? 1 : 0

  name         = local.name
  kms_key_arn  = aws_kms_key.environment.arn
  is_temporary = var.is_temporary
}

output "write_token_secret_arn" {
  description = "Secret with the token that changing the catalogue takes, for `aws secretsmanager get-secret-value`; null where it takes none."
  value       = one(module.write_token[*].secret_arn)
}
