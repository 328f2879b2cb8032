variable "name" {
  description = "Prefix of every name of this module, such as taproom-dev."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "Use 2 to 31 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "database" {
  description = "The database whose access is managed: host name, TCP port, name, RDS's id of the instance, and the ARN of the master's secret."
  type = object({
    address           = string
    port              = number
    name              = string
    resource_id       = string
    master_secret_arn = string
  })

  validation {
    condition     = can(regex("^arn:[a-z-]+:secretsmanager:", var.database.master_secret_arn))
    error_message = "master_secret_arn must be the ARN of a secret in Secrets Manager."
  }
}

variable "subnet_ids" {
  description = "Subnets of the functions, from which they reach the database and Secrets Manager."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 1
    error_message = "Give at least one subnet."
  }
}

variable "security_group_id" {
  description = "Security group of the functions that log in to the database."
  type        = string

  validation {
    condition     = try(length(var.security_group_id) > 0, false)
    error_message = "Give the id of a security group."
  }
}

variable "rotation_watch_security_group_id" {
  description = "Security group of the function that looks for overdue rotations, which needs Secrets Manager alone."
  type        = string

  validation {
    condition     = try(length(var.rotation_watch_security_group_id) > 0, false)
    error_message = "Give the id of a security group."
  }
}

variable "package_file" {
  description = "Path of the functions' zip, as `make package` builds it."
  type        = string

  validation {
    condition     = endswith(var.package_file, ".zip")
    error_message = "Give the path of a zip; `make package` builds build/db_bootstrap.zip."
  }
}

variable "log_retention_days" {
  description = "Days for which the functions' logs are kept."
  type        = number
  default     = 90

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch Logs knows 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400 days and some above."
  }
}

variable "is_temporary" {
  description = "Whether the secrets may be destroyed at once; otherwise Secrets Manager keeps them for 30 days."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_arn" {
  description = "Key that encrypts the secrets, the functions' environment variables and their logs."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:kms:", var.kms_key_arn))
    error_message = "Give the ARN of a key in KMS."
  }
}

variable "permissions_boundary_arn" {
  description = "Boundary of the functions' and schedules' roles; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:[a-z-]+:iam::", var.permissions_boundary_arn))
    error_message = "Give the ARN of a policy in IAM, or null."
  }
}

variable "preview_access" {
  description = "Whether a plan asks the database what an apply would run, and the apply is held to that. False applies without asking first, for when the database or the planning function cannot answer."
  type        = bool
  default     = true
  nullable    = false
}

variable "drift_check_interval_hours" {
  description = "Hours between two comparisons of the database with the access that is declared for it."
  type        = number
  default     = 6

  validation {
    condition     = var.drift_check_interval_hours >= 1 && var.drift_check_interval_hours <= 48 && floor(var.drift_check_interval_hours) == var.drift_check_interval_hours
    error_message = "Choose between 1 and 48 whole hours; an alarm looks back seven days at most."
  }
}

variable "dead_letter_topic_arn" {
  description = "SNS topic, encrypted with the same key, that gets the events which a function failed at three times and nobody waits for."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:sns:", var.dead_letter_topic_arn))
    error_message = "Give the ARN of an SNS topic, such as arn:aws:sns:us-east-1:123456789012:on-call."
  }
}

variable "alarm_topic_arns" {
  description = "SNS topics that are told when an alarm goes off, and when it is over."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.alarm_topic_arns : can(regex("^arn:[a-z-]+:sns:", arn))])
    error_message = "Give ARNs of SNS topics, such as arn:aws:sns:us-east-1:123456789012:on-call."
  }

  validation {
    condition     = length(var.alarm_topic_arns) <= 5
    error_message = "An alarm and a rule tell five topics at most."
  }
}
