variable "context" {
  description = "Shared settings: name prefix and KMS key (the topic's messages)."
  type = object({
    name        = string
    kms_key_arn = string
  })
  nullable = false
}

variable "environment" {
  description = "Value of the tag Environment, by which the budget selects this environment's costs."
  type        = string
}

variable "emails" {
  description = "E-mail addresses that receive alarms and budget notifications, once confirmed."
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
  description = "ARN suffix of the load balancer, a dimension of its metrics."
  type        = string
}

variable "target_group_arn_suffix" {
  description = "ARN suffix of the target group, a dimension of its metrics."
  type        = string
}

variable "slo" {
  description = "Service level objectives: the percentage of requests that must not fail in 30 days, and the limit for the 99th percentile of response times, in seconds. null for no alarms on them."
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
  description = "The database: its RDS identifier and its initial storage in gigabytes."
  type = object({
    identifier          = string
    allocated_gigabytes = number
  })
}

variable "database_limits" {
  description = "Alarm thresholds that depend on the instance class: open connections, and freeable memory in mebibytes."
  type = object({
    connections        = optional(number, 600)
    freeable_mebibytes = optional(number, 512)
  })
  default  = {}
  nullable = false
}

variable "functions" {
  description = "Functions to watch, by a short name: their name in Lambda, their timeout in seconds, and whether another module has an alarm on their errors."
  type = map(object({
    name            = string
    timeout_seconds = number
    has_error_alarm = bool
  }))
  nullable = false
}

variable "firewall_name" {
  description = "Name of the web ACL, a dimension of its metrics; null without a firewall."
  type        = string
  default     = null
}

variable "other_alarm_arns" {
  description = "Alarms of other modules to show on the dashboard."
  type        = list(string)
  default     = []
}

variable "is_minimal" {
  description = "Whether to make no dashboard, and only the alarms on errors and unhealthy tasks."
  type        = bool
  default     = false
  nullable    = false
}
