variable "project_name" {
  description = "Name of the project; with the environment's, the beginning of every name in AWS."
  type        = string
  default     = "taproom"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.project_name))
    error_message = "Use 2 to 16 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "environment" {
  description = "Name of the environment, such as dev or prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,11}$", var.environment))
    error_message = "Use 2 to 12 lower-case letters and digits, beginning with a letter."
  }
}

variable "region" {
  description = "AWS region of the environment."
  type        = string
  default     = "us-east-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "Give the name of an AWS region, such as us-east-1."
  }
}

variable "is_temporary" {
  description = "Whether the environment may be destroyed with all its data: no deletion protection, no final snapshot, secrets deleted at once."
  type        = bool
  default     = false
  nullable    = false
}

variable "log_retention_days" {
  description = "Days for which logs are kept."
  type        = number
  default     = 90

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch Logs knows 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400 days and some above."
  }
}

variable "vpc_cidr" {
  description = "IPv4 range of the environment's own network."
  type        = string
  default     = "10.20.0.0/16"

  validation {
    condition     = can(cidrnetmask(var.vpc_cidr)) && try(tonumber(split("/", var.vpc_cidr)[1]) >= 16 && tonumber(split("/", var.vpc_cidr)[1]) <= 22, false)
    error_message = "Give a range between /16 and /22, such as 10.20.0.0/16."
  }
}

variable "availability_zone_count" {
  description = "Number of availability zones that the environment spans."
  type        = number
  default     = 2

  validation {
    condition     = contains([2, 3], var.availability_zone_count)
    error_message = "Choose 2 or 3."
  }
}

variable "database_instance_class" {
  description = "Size of the database instance."
  type        = string
  default     = "db.m7g.large"

  validation {
    condition     = can(regex("^db\\.[a-z0-9]+\\.[a-z0-9]+$", var.database_instance_class))
    error_message = "Give an RDS instance class, such as db.t4g.small."
  }
}

variable "database_allocated_gigabytes" {
  description = "Storage of the database at the start, in gigabytes; it grows by itself up to five times as much."
  type        = number
  default     = 100

  validation {
    condition     = var.database_allocated_gigabytes >= 20 && var.database_allocated_gigabytes <= 13000
    error_message = "Choose between 20 (the least that gp3 offers) and 13000 gigabytes."
  }
}

variable "database_is_multi_az" {
  description = "Whether a standby of the database in a second zone takes over when the first fails."
  type        = bool
  default     = true
  nullable    = false
}

variable "database_backup_retention_days" {
  description = "Days back to which the database can be restored, to the second."
  type        = number
  default     = 14

  validation {
    condition     = var.database_backup_retention_days >= 1 && var.database_backup_retention_days <= 35
    error_message = "Choose between 1 and 35 days."
  }
}

variable "database_bootstrap_package" {
  description = "Path of the zip of the function that manages database access; `make package` builds it."
  type        = string
  default     = "../../build/db_bootstrap.zip"

  validation {
    condition     = endswith(var.database_bootstrap_package, ".zip")
    error_message = "Give the path of a zip; `make package` builds build/db_bootstrap.zip."
  }
}

variable "certificate_arn" {
  description = "ACM certificate of a domain whose records are kept elsewhere. Without it and without domain_name the service speaks plain HTTP, which only a temporary environment may."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_arn == null || can(regex("^arn:[a-z-]+:acm:", var.certificate_arn))
    error_message = "Give the ARN of a certificate in ACM, or null."
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
