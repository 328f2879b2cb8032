variable "name" {
  description = "Globally unique name of the bucket."
  type        = string
}

variable "is_encrypted_with_kms" {
  description = "Whether the account's KMS key for S3 encrypts objects, not S3's keys."
  type        = bool
  default     = true
  nullable    = false
}

variable "access_log_bucket_name" {
  description = "Bucket that receives this one's access logs; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.access_log_bucket_name != var.name
    error_message = "A bucket that logs to itself logs its own logs, endlessly."
  }
}

variable "policy" {
  description = "Additional statements for the bucket policy, as JSON; null for none."
  type        = string
  default     = null
}

variable "object_days" {
  description = "Days after which objects expire; null keeps them forever."
  type        = number
  default     = null

  validation {
    condition     = var.object_days == null || var.old_version_days != null
    error_message = "Set old_version_days too: an object that expires becomes an old version first."
  }
}

variable "prefix_days" {
  description = "Days after which objects expire, by prefix; old versions a day later."
  type        = map(number)
  default     = {}
  nullable    = false
}

variable "old_version_days" {
  description = "Days after which noncurrent versions are deleted; null keeps them forever."
  type        = number
  default     = 365
}
