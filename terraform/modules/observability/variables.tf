variable "name" {
  description = "Prefix of every name of this environment, such as taproom-dev."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "Use 2 to 31 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "environment" {
  description = "Value of the tag Environment, by which the budget knows this environment's costs."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,11}$", var.environment))
    error_message = "Use 2 to 12 lower-case letters and digits, beginning with a letter."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the messages of the topic."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:kms:", var.kms_key_arn))
    error_message = "Give the ARN of a key in KMS."
  }
}

variable "emails" {
  description = "Addresses that are told of alarms and of the budget, once they have confirmed."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for email in var.emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", email))])
    error_message = "Give addresses such as on-call@example.com."
  }
}

variable "other_topic_arns" {
  description = "SNS topics that are told of alarms beside this module's own."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.other_topic_arns : can(regex("^arn:[a-z-]+:sns:", arn))]) && length(var.other_topic_arns) <= 4
    error_message = "Give at most four ARNs of SNS topics: with this module's own they are the five that an alarm can tell."
  }
}

variable "monthly_budget_usd" {
  description = "US dollars a month beyond which somebody is told; null for no budget."
  type        = number
  default     = null

  validation {
    condition     = var.monthly_budget_usd == null || try(var.monthly_budget_usd >= 1, false)
    error_message = "Give at least one dollar, or null."
  }
}

variable "load_balancer_arn_suffix" {
  description = "End of the load balancer's ARN, by which its metrics are named."
  type        = string

  validation {
    condition     = startswith(var.load_balancer_arn_suffix, "app/")
    error_message = "Give the end of an application load balancer's ARN, which begins with app/."
  }
}

variable "target_group_arn_suffix" {
  description = "End of the target group's ARN, by which its metrics are named."
  type        = string

  validation {
    condition     = startswith(var.target_group_arn_suffix, "targetgroup/")
    error_message = "Give the end of a target group's ARN, which begins with targetgroup/."
  }
}

variable "latency_p99_limit_seconds" {
  description = "Seconds that 99 of 100 requests must be answered in."
  type        = number
  default     = 1

  validation {
    condition     = var.latency_p99_limit_seconds > 0 && var.latency_p99_limit_seconds <= 60
    error_message = "Choose more than 0 and at most 60 seconds, the load balancer's own limit."
  }
}

variable "cluster_name" {
  description = "Name of the ECS cluster."
  type        = string

  validation {
    condition     = try(length(var.cluster_name) > 0, false)
    error_message = "Give the name of a cluster."
  }
}

variable "service_name" {
  description = "Name of the ECS service."
  type        = string

  validation {
    condition     = try(length(var.service_name) > 0, false)
    error_message = "Give the name of a service."
  }
}

variable "database" {
  description = "The database: its identifier in RDS and the storage that it starts with, in gigabytes."
  type = object({
    identifier          = string
    allocated_gigabytes = number
  })

  validation {
    condition     = var.database.allocated_gigabytes >= 20
    error_message = "Give the gigabytes of the storage; RDS offers 20 and more."
  }
}

variable "database_limits" {
  description = "When the database is nearly used up: open connections, and mebibytes of memory to spare. Both follow from its instance class."
  type = object({
    connections        = optional(number, 600)
    freeable_mebibytes = optional(number, 512)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.database_limits.connections >= 1 && var.database_limits.freeable_mebibytes >= 1
    error_message = "Give at least one connection and one mebibyte."
  }
}

variable "functions" {
  description = "Functions to watch, by a short name: their name in Lambda, their timeout in seconds, and whether their errors have an alarm elsewhere."
  type = map(object({
    name            = string
    timeout_seconds = number
    has_error_alarm = bool
  }))
  nullable = false

  validation {
    condition     = alltrue([for function in var.functions : function.timeout_seconds >= 1 && function.timeout_seconds <= 900])
    error_message = "Lambda's timeouts lie between 1 and 900 seconds."
  }
}

variable "firewall_name" {
  description = "Name of the web ACL, by which its metrics are named; null without a firewall."
  type        = string
  default     = null

  validation {
    condition     = var.firewall_name != ""
    error_message = "Give the name of a web ACL, or null."
  }
}

variable "other_alarm_arns" {
  description = "Alarms of other modules that the dashboard shows too."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.other_alarm_arns : can(regex("^arn:[a-z-]+:cloudwatch:", arn))])
    error_message = "Give ARNs of alarms."
  }
}
