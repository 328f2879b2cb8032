variable "alarm_emails" {
  description = "Addresses that are told of alarms and of the budget, once they have confirmed."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for email in var.alarm_emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", email))])
    error_message = "Give addresses such as on-call@example.com."
  }
}

variable "alarm_topic_arns" {
  description = "SNS topics of your own that are told of alarms as well; the environment has one."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.alarm_topic_arns : can(regex("^arn:[a-z-]+:sns:", arn))])
    error_message = "Give ARNs of SNS topics, such as arn:aws:sns:us-east-1:123456789012:on-call."
  }

  validation {
    condition     = length(var.alarm_topic_arns) <= 4
    error_message = "An alarm and a rule tell five topics at most, and the environment's own is one of them."
  }
}

variable "monthly_budget_usd" {
  description = "US dollars a month beyond which somebody is told; null for no budget. docs/costs.md has what to expect."
  type        = number
  default     = null

  validation {
    condition     = var.monthly_budget_usd == null || try(var.monthly_budget_usd >= 1, false)
    error_message = "Give at least one dollar, or null."
  }
}

variable "latency_p99_limit_seconds" {
  description = "Seconds that 99 of 100 requests must be answered in; beyond, an alarm goes off."
  type        = number
  default     = 1

  validation {
    condition     = var.latency_p99_limit_seconds > 0 && var.latency_p99_limit_seconds <= 60
    error_message = "Choose more than 0 and at most 60 seconds, the load balancer's own limit."
  }
}

variable "database_limits" {
  description = "When an alarm says that the database is nearly used up: open connections, and mebibytes of memory to spare. Both follow from its instance class."
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
