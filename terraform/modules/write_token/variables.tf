variable "context" {
  description = "Shared settings: name prefix, KMS key, and whether the secret is deleted at once instead of after 30 days."
  type        = object({ name = string, kms_key_arn = string, is_temporary = optional(bool, false) })
  nullable    = false
}
