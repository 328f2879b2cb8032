variable "context" {
  description = "Shared settings: name prefix and KMS key."
  type = object({
    name        = string
    kms_key_arn = string
  })
  nullable = false
}

variable "environment" {
  description = "Value of the tag Environment, for the budget."
  type        = string
}

variable "emails" {
  description = "Addresses that receive alarms and budget notifications, once confirmed."
  type        = set(string)
  default     = []
}

variable "other_topic_arns" {
  description = "Additional SNS topics for alarms, at most four."
  type        = list(string)
  default     = []
}

variable "monthly_budget_usd" {
  description = "Monthly budget in US dollars; null for none."
  type        = number
  default     = null
}

variable "load_balancer_arn_suffix" {
  description = "End of the load balancer's ARN, for metrics."
  type        = string
}

variable "target_group_arn_suffix" {
  description = "End of the target group's ARN, for metrics."
  type        = string
}

variable "slo" {
  description = "Objectives: percentage of requests that must not fail in 30 days, and limit of the 99th percentile of response times in seconds; null for no alarms on them."
  type        = object({ availability = number, p99_seconds = number })
  default     = null
}

variable "cluster_name" {
  description = "Name of the ECS cluster."
  type        = string
}

variable "service_name" {
  description = "Name of the ECS service."
  type        = string
}

variable "database" {
  description = "The database: RDS identifier, initial storage in gigabytes."
  type = object({
    identifier          = string
    allocated_gigabytes = number
  })
}

variable "database_limits" {
  description = "Alarm thresholds by instance class: open connections, freeable memory in mebibytes."
  type = object({
    connections        = optional(number, 600)
    freeable_mebibytes = optional(number, 512)
  })
  default  = {}
  nullable = false
}

variable "functions" {
  description = "Functions by a short name: name in Lambda, timeout in seconds, and whether another module has an alarm on their errors."
  type = map(object({
    name            = string
    timeout_seconds = number
    has_error_alarm = bool
  }))
  nullable = false
}

variable "firewall_name" {
  description = "Name of the web ACL; null without a firewall."
  type        = string
  default     = null
}

variable "other_alarm_arns" {
  description = "Further alarms for the dashboard."
  type        = list(string)
  default     = []
}

variable "is_minimal" {
  description = "Whether to make only the alarms on errors and unhealthy tasks."
  type        = bool
  default     = false
  nullable    = false
}
