variable "context" {
  description = "Prefix of names (by default from the database's name), log retention in days, permissions boundary (null for none), and whether secrets are deleted at once instead of after 30 days."
  type = object({
    name                     = optional(string)
    log_retention_days       = optional(number, 90)
    permissions_boundary_arn = optional(string)
    is_temporary             = optional(bool, false)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.context.name == null || can(regex("^[a-z][a-z0-9-]{1,30}$", var.context.name))
    error_message = "Use a name of 2 to 31 lower-case letters, digits and hyphens, beginning with a letter: roles and functions get longer names from it."
  }
}

variable "database" {
  description = "The database: address (on Aurora of the writer endpoint), name, port, and the master's secret, with its KMS key unless that is kms_key; or master_iam_user, a master that logs in by IAM, with resource_id (db-... or cluster-...). Another resource_id invokes the function again."
  type = object({
    address                   = string
    port                      = optional(number, 5432)
    name                      = string
    resource_id               = optional(string)
    master_secret_arn         = optional(string)
    master_secret_kms_key_arn = optional(string)
    master_iam_user           = optional(string)
  })
  nullable = false

  validation {
    condition     = (var.database.master_secret_arn == null) != (var.database.master_iam_user == null)
    error_message = "Set master_secret_arn, the secret with the master's user name and password, or master_iam_user, a master that logs in by IAM."
  }

  validation {
    condition     = var.database.master_iam_user == null || var.database.resource_id != null
    error_message = "master_iam_user needs resource_id: IAM allows a login by the resource id of the instance or cluster."
  }
}

# The function validates it, so a misspelled key is refused; a type would drop it silently.
variable "access" {
  description = "The access document; see docs/access.md."
  type        = any
  nullable    = false

  validation {
    condition = alltrue([
      for name, login in try(var.access.logins, {}) : can(regex("^[A-Za-z0-9_+=.@-]{1,61}$", name)) if try(login.credential == "rotated", false)
    ])
    error_message = "A login with credential = \"rotated\" has a secret of its name: use letters, digits and _ + = . @ -, at most 61 characters, because its two login roles have a suffix of two more."
  }

  validation {
    condition = alltrue([
      for login in values(try(var.access.logins, {})) : contains(["rotated", "iam", "external"], try(login.credential, ""))
    ])
    error_message = "The credential of a login is rotated (a password that is rotated), iam (IAM authentication) or external (managed elsewhere)."
  }
}

variable "preview_access" {
  description = "Whether a plan shows the SQL of the apply; false if the database is unavailable."
  type        = bool
  default     = true
  nullable    = false
}

variable "subnet_ids" {
  description = "Subnets of the functions, with a route to the database and Secrets Manager."
  type        = list(string)
}

variable "security_group" {
  description = "Security group of the functions; null creates one that allows HTTPS and the database's port."
  type        = object({ id = string })
  default     = null
}

variable "database_security_group" {
  description = "Security group of the database, to which a rule for the functions is added; null: you admit the output security_group_id."
  type        = object({ id = string })
  default     = null
}

variable "kms_key" {
  description = "KMS key for secrets, environment variables and logs; its policy must admit CloudWatch Logs. null creates one."
  type        = object({ arn = string })
  default     = null
}

variable "rotation_watch_security_group_id" {
  description = "Security group of the function that checks for overdue rotations and reaches only Secrets Manager; null for the others' group."
  type        = string
  default     = null
}

variable "package_file" {
  description = "Path of the functions' zip; null: the one in the release's archive of this module, or `build/db_bootstrap.zip`."
  type        = string
  default     = null
}

variable "drift_check_interval_hours" {
  description = "Hours between two drift checks."
  type        = number
  default     = 6
  nullable    = false

  validation {
    condition     = var.drift_check_interval_hours >= 1 && var.drift_check_interval_hours <= 48 && floor(var.drift_check_interval_hours) == var.drift_check_interval_hours
    error_message = "Choose between 1 and 48 whole hours: an alarm evaluates at most seven days."
  }
}

variable "rotation" {
  description = "Rotations of the logins: days or schedule (rate or cron, in UTC), window_hours in which one starts (by default the rest of the day), overdue_after_days (two days late)."
  type        = object({ days = optional(number), schedule = optional(string), window_hours = optional(number), overdue_after_days = optional(number) })
  default     = { days = 30 }
  nullable    = false

  validation {
    condition     = (var.rotation.days == null) != (var.rotation.schedule == null)
    error_message = "Set either days, such as 30, or schedule, such as cron(0 3 ? * SUN *)."
  }

  # https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
  validation {
    condition     = var.rotation.schedule == null || can(regex("^(rate\\(([4-9]|[1-9][0-9]{1,2}) hours\\)|rate\\((1 day|([2-9]|[1-9][0-9]{1,2}) days)\\)|cron\\(0 [^ ]+ [^ ]+ [^ ]+ [^ ]+ \\*\\))$", var.rotation.schedule))
    error_message = "Secrets Manager accepts rate(4 hours) or slower, rate(10 days), or a cron expression on the hour in every year, such as cron(0 3 ? * SUN *)."
  }

  validation {
    condition     = var.rotation.window_hours == null || try(var.rotation.window_hours >= 1 && var.rotation.window_hours <= 24 && floor(var.rotation.window_hours) == var.rotation.window_hours, false)
    error_message = "Choose a window of 1 to 24 whole hours; it must end before the next rotation starts."
  }

  validation {
    condition     = var.rotation.overdue_after_days == null ? var.rotation.schedule == null : try(var.rotation.overdue_after_days > coalesce(var.rotation.days, 0) && floor(var.rotation.overdue_after_days) == var.rotation.overdue_after_days, false)
    error_message = "With schedule, set overdue_after_days; with days, omit it or choose more days than those. Whole days only."
  }
}

variable "master_overdue_after_days" {
  description = "Days after which a rotation of the master password is overdue."
  type        = number
  default     = 9
}

variable "dead_letter_topic" {
  description = "SNS topic, with the same key, for events that failed three times; null creates one, which alarms notify too."
  type        = object({ arn = string })
  default     = null
}

variable "alarm_topic_arns" {
  description = "SNS topics that alarms notify, at most five with a created one."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.alarm_topic_arns) + (var.dead_letter_topic == null ? 1 : 0) <= 5
    error_message = "An alarm and a rule notify at most five topics."
  }
}
