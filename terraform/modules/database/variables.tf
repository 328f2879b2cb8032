variable "context" {
  description = "Shared settings: name prefix, KMS key, log retention in days, permissions boundary (null for none), and whether the database is temporary: no deletion protection, final snapshot or backups."
  type = object({
    name                     = string
    kms_key_arn              = string
    log_retention_days       = optional(number, 90)
    permissions_boundary_arn = optional(string)
    is_temporary             = optional(bool, false)
  })
  nullable = false
}

variable "subnet_ids" {
  description = "Subnets in at least two availability zones."
  type        = list(string)
}

variable "security_group_id" {
  description = "Security group of the database."
  type        = string
}

variable "database_name" {
  description = "Name of the database inside the instance."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.database_name))
    error_message = "Use lower-case letters, digits and underscores, beginning with a letter, at most 63."
  }
}

variable "instance_class" {
  description = "Instance class, such as db.t4g.small."
  type        = string
  default     = "db.m7g.large"
}

variable "max_connections" {
  description = "Connections, with those reserved for administrators. Each can take 10 MB; a change needs a restart."
  type        = number
  default     = 700
  nullable    = false
}

variable "allocated_gigabytes" {
  description = "Initial storage in gigabytes; it grows up to five times."
  type        = number
  default     = 100
}

variable "is_multi_az" {
  description = "Whether there is a standby in a second availability zone."
  type        = bool
  default     = true
  nullable    = false
}

variable "backup_retention_days" {
  description = "Days of point-in-time recovery."
  type        = number
  default     = 14
}

variable "certificate_authority" {
  description = "Certificate authority; null for RDS's default. Clients trust all of RDS's."
  type        = string
  default     = "rds-ca-rsa2048-g1"
}

variable "monitoring_interval_seconds" {
  description = "Interval of enhanced monitoring in seconds; 0 for none."
  type        = number
  default     = 60
}

variable "master_rotation" {
  description = "Schedule of the master password's rotations: every so many days, or on a schedule (rate or cron, in UTC), within window_hours (by default the rest of the day)."
  type        = object({ days = optional(number), schedule = optional(string), window_hours = optional(number) })
  default     = { days = 7 }
  nullable    = false
}

variable "restore" {
  description = "Backup to start from: a snapshot by name or ARN; or a source, an instance by name or a deleted one's automated backups by resource ID (`db-...`), with a time (by default the latest). Makes another instance; the present one's name goes into former_instances."
  type        = object({ snapshot = optional(string), source = optional(string), at = optional(string) })
  default     = null

  validation {
    condition     = var.restore == null || try((var.restore.snapshot == null) != (var.restore.source == null), false)
    error_message = "Set either snapshot, such as { snapshot = \"taproom-prod-final-20261129100000\" }, or source, such as { source = \"taproom-prod\", at = \"2026-11-29T10:00:00Z\" }."
  }

  validation {
    condition     = try(var.restore.at, null) == null || (can(regex("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$", var.restore.at)) && can(timeadd(var.restore.at, "0s")) && try(var.restore.source, null) != null)
    error_message = "Set at only with source, to a time in UTC as in RFC 3339: 2026-11-29T10:00:00Z. `aws rds describe-db-instances` has the LatestRestorableTime."
  }
}

variable "former_instances" {
  description = "Replaced instances to keep, such as [\"taproom-prod\"]."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for name in var.former_instances : name == var.context.name || startswith(name, "${var.context.name}-")])
    error_message = "Name instances of this environment: ${var.context.name}, or ${var.context.name}- and the suffix of an earlier restore. The output identifier has the name of the one in use."
  }
}
