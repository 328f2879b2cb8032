variable "name" {
  description = "Name of the bucket, unique in the world."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "Use 3 to 63 lower-case letters, digits and hyphens."
  }
}

variable "is_encrypted_with_kms" {
  description = "Whether objects are encrypted with the account's key of KMS for S3; else with S3's own keys."
  type        = bool
  default     = true
  nullable    = false
}

variable "access_log_bucket_name" {
  description = "Bucket into which S3 writes who used this one; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.access_log_bucket_name != var.name
    error_message = "A bucket that logs into itself logs its own logs for ever."
  }
}

variable "policy" {
  description = "Statements for the bucket's policy beside the one that refuses unencrypted connections, as JSON; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.policy == null || can(jsondecode(var.policy).Statement)
    error_message = "Give a policy document as JSON, or null."
  }
}

variable "object_days" {
  description = "Days after which an object goes; null keeps objects for ever."
  type        = number
  default     = null

  validation {
    condition     = var.object_days == null || (try(var.object_days >= 1, false) && var.old_version_days != null)
    error_message = "Choose at least one day, and give old_version_days too: what has expired is an old version first."
  }
}

variable "old_version_days" {
  description = "Days for which a version is kept after another has taken its place; null keeps every version for ever."
  type        = number
  default     = 365

  validation {
    condition     = var.old_version_days == null || try(var.old_version_days >= 1, false)
    error_message = "Choose at least one day, or null."
  }
}
