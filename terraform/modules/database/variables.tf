variable "name" {
  description = "Prefix of every name of this database, such as taproom-dev."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "Use 2 to 31 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "subnet_ids" {
  description = "Subnets of the database, in at least two availability zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "Give at least two subnets: RDS asks for two zones even when one instance runs."
  }
}

variable "security_group_id" {
  description = "Security group of the database."
  type        = string

  validation {
    condition     = try(length(var.security_group_id) > 0, false)
    error_message = "Give the id of a security group."
  }
}

variable "database_name" {
  description = "Name of the database inside the instance."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.database_name))
    error_message = "Use lower-case letters, digits and underscores, beginning with a letter, 63 at most."
  }
}

variable "instance_class" {
  description = "Size of the instance, such as db.t4g.small."
  type        = string
  default     = "db.m7g.large"

  validation {
    condition     = can(regex("^db\\.[a-z0-9]+\\.[a-z0-9]+$", var.instance_class))
    error_message = "Give an RDS instance class, such as db.t4g.small."
  }
}

variable "allocated_gigabytes" {
  description = "Storage at the start, in gigabytes; it grows by itself up to five times as much."
  type        = number
  default     = 100

  validation {
    condition     = var.allocated_gigabytes >= 20 && var.allocated_gigabytes <= 13000
    error_message = "Choose between 20 (the least that gp3 offers) and 13000 gigabytes."
  }
}

variable "is_multi_az" {
  description = "Whether a standby in a second zone takes over when the first fails."
  type        = bool
  default     = true
  nullable    = false
}

variable "backup_retention_days" {
  description = "Days back to which the database can be restored, to the second."
  type        = number
  default     = 14

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 35
    error_message = "Choose between 1 and 35 days: RDS keeps no longer, and with 0 nothing could be restored."
  }
}

variable "log_retention_days" {
  description = "Days for which the server's logs are kept."
  type        = number
  default     = 90

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch Logs knows 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400 days and some above."
  }
}

variable "is_temporary" {
  description = "Whether the database may be destroyed together with its data: no deletion protection, no final snapshot, no backups kept behind."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_arn" {
  description = "Key that encrypts the storage, its snapshots, the master's secret, the logs and Performance Insights."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:kms:", var.kms_key_arn))
    error_message = "Give the ARN of a key in KMS."
  }
}

variable "certificate_authority" {
  description = "Authority that signs the server's certificate; null leaves the choice to RDS. Clients trust all of RDS's authorities."
  type        = string
  default     = "rds-ca-rsa2048-g1"

  validation {
    condition     = var.certificate_authority == null || can(regex("^rds-ca-(rsa2048|rsa4096|ecc384)-g[0-9]+$", var.certificate_authority))
    error_message = "Give the identifier of one of RDS's authorities, such as rds-ca-rsa2048-g1, or null."
  }
}

variable "monitoring_interval_seconds" {
  description = "Seconds between two measurements of enhanced monitoring; 0 for none."
  type        = number
  default     = 60

  validation {
    condition     = contains([0, 1, 5, 10, 15, 30, 60], var.monitoring_interval_seconds)
    error_message = "RDS measures every 1, 5, 10, 15, 30 or 60 seconds; 0 turns it off."
  }
}

variable "permissions_boundary_arn" {
  description = "Boundary of the monitoring's role; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:[a-z-]+:iam::", var.permissions_boundary_arn))
    error_message = "Give the ARN of a policy in IAM, or null."
  }
}
