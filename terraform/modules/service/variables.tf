variable "context" {
  description = "Shared settings: name prefix, KMS key, log retention in days, permissions boundary (null for none)."
  type        = object({ name = string, kms_key_arn = string, log_retention_days = optional(number, 90), permissions_boundary_arn = optional(string) })
  nullable    = false
}

variable "image" {
  description = "Image in ECR, by digest or immutable tag."
  type        = string
}

variable "cpu_units" {
  description = "CPU of a task, in 1/1024 vCPU."
  type        = number
}

variable "memory_mebibytes" {
  description = "Memory of one task, in mebibytes."
  type        = number
}

variable "worker_count" {
  description = "Number of worker processes of one task."
  type        = number
}

variable "cpu_architecture" {
  description = "CPU architecture of the image: ARM64 or X86_64."
  type        = string
}

variable "service_port" {
  description = "TCP port on which a task listens."
  type        = number
}

variable "service_secret_arn" {
  description = "Secret of the service's login; null with iam_login."
  type        = string
  default     = null

  validation {
    condition     = (var.iam_login == null) == (var.service_secret_arn != null)
    error_message = "Set either service_secret_arn or iam_login."
  }
}

variable "database_resource_id" {
  description = "RDS resource ID; another one replaces the tasks."
  type        = string
  default     = null
}

variable "iam_login" {
  description = "The service's login by IAM: its name, and the database's host name, TCP port, name and RDS resource ID; null with service_secret_arn."
  type        = object({ user = string, address = string, port = number, database = string, resource_id = string })
  default     = null

  validation {
    condition     = var.iam_login == null || can(regex("^[a-z][a-z0-9_]{0,62}$", var.iam_login.user))
    error_message = "Use lower-case letters, digits and underscores, at most 63: the IAM policy would take other characters for a pattern."
  }
}

variable "migrator_secret_arn" {
  description = "Secret of the migrations' login."
  type        = string
}

variable "private_subnet_ids" {
  description = "Subnets of the tasks."
  type        = list(string)
}

variable "has_public_address" {
  description = "Whether each task gets a public IPv4 address."
  type        = bool
  default     = false
  nullable    = false
}

variable "service_security_group_id" {
  description = "Security group of the tasks."
  type        = string
}

variable "target_group_arn" {
  description = "Target group of the tasks, with a listener."
  type        = string
}

variable "target_group_arn_suffix" {
  description = "End of the target group's ARN, for metrics."
  type        = string
}

variable "load_balancer_arn_suffix" {
  description = "End of the load balancer's ARN, for metrics."
  type        = string
}

variable "alarm_topic_arns" {
  description = "SNS topics for the alarm on error responses."
  type        = list(string)
  default     = []
}

variable "task_count" {
  description = "Minimum and maximum number of tasks."
  type        = object({ minimum = number, maximum = number })
}

variable "requests_per_task_and_minute" {
  description = "Autoscaling's target of requests per task and minute; null derives it from the CPU (docs/benchmarks.md)."
  type        = number
  default     = null
}

variable "schedules" {
  description = "Scheduled changes of task_count, by name: schedule (at, rate or cron), time zone, limits."
  type = map(object({
    schedule  = string
    time_zone = optional(string, "UTC")
    minimum   = number
    maximum   = number
  }))
  default  = {}
  nullable = false
}

variable "spot_percent" {
  description = "Percentage of tasks, beyond the first, on Fargate Spot."
  type        = number
  default     = 0
}

variable "container_insights" {
  description = "Container Insights: enhanced, enabled or disabled. AWS bills its metrics."
  type        = string
  default     = "enhanced"
}

variable "exec_is_allowed" {
  description = "Whether people can open a shell in a task; its root file system is then writable."
  type        = bool
  default     = false
  nullable    = false
}

variable "write_token_secret_arn" {
  description = "Secret of the write token; null for none."
  type        = string
  default     = null
}

variable "seeding_is_allowed" {
  description = "Whether POST /beers/seed works."
  type        = bool
  default     = false
  nullable    = false
}
