variable "context" {
  description = "Shared settings: name prefix, KMS key (the tasks' log and the secrets that they read), log retention in days, and permissions boundary for the roles (null for none)."
  type        = object({ name = string, kms_key_arn = string, log_retention_days = optional(number, 90), permissions_boundary_arn = optional(string) })
  nullable    = false
}

variable "image" {
  description = "Image to run, from ECR: by digest, or by an immutable tag."
  type        = string
}

variable "cpu_units" {
  description = "CPU of one task, in units of 1/1024 vCPU."
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
  description = "CPU architecture for which the image was built: ARM64 or X86_64."
  type        = string
}

variable "service_port" {
  description = "TCP port on which a task listens."
  type        = number
}

variable "service_secret_arn" {
  description = "Secret of the login with which the service reads and writes; null with iam_login."
  type        = string
  default     = null

  validation {
    condition     = (var.iam_login == null) == (var.service_secret_arn != null)
    error_message = "Set either service_secret_arn or iam_login."
  }
}

variable "database_resource_id" {
  description = "RDS resource ID of the database's instance; another one replaces the tasks."
  type        = string
  default     = null
}

variable "iam_login" {
  description = "Login with which the service reads and writes by IAM authentication: its name, and the database's host name, TCP port, name and RDS resource id; null with service_secret_arn."
  type        = object({ user = string, address = string, port = number, database = string, resource_id = string })
  default     = null

  validation {
    condition     = var.iam_login == null || can(regex("^[a-z][a-z0-9_]{0,62}$", var.iam_login.user))
    error_message = "Use lower-case letters, digits and underscores, at most 63: the IAM policy would take other characters for a pattern."
  }
}

variable "migrator_secret_arn" {
  description = "Secret of the login with which migrations change tables."
  type        = string
}

variable "private_subnet_ids" {
  description = "Subnets of the tasks."
  type        = list(string)
}

variable "has_public_address" {
  description = "Whether each task gets a public IPv4 address, through which it reaches AWS."
  type        = bool
  default     = false
  nullable    = false
}

variable "service_security_group_id" {
  description = "Security group of the tasks."
  type        = string
}

variable "target_group_arn" {
  description = "Target group of the tasks; a listener must already use it."
  type        = string
}

variable "target_group_arn_suffix" {
  description = "ARN suffix of the target group, a dimension of its metrics."
  type        = string
}

variable "load_balancer_arn_suffix" {
  description = "ARN suffix of the load balancer, a dimension of its metrics."
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
  description = "Target of autoscaling: requests per task and minute. null derives it from the CPU of a task and the benchmark (docs/benchmarks.md)."
  type        = number
  default     = null
}

variable "schedules" {
  description = "Scheduled changes of the minimum and maximum, by name: a schedule (at, rate or cron), its time zone, and the new limits. 0 and 0 stop the service."
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
  description = "Percentage of tasks, beyond the first, that run on Fargate Spot: cheaper, and interrupted when AWS reclaims the capacity. AWS may send requests to an interrupted task until it has stopped, and answers these with 502."
  type        = number
  default     = 0
}

variable "container_insights" {
  description = "Container Insights of the cluster: enhanced, enabled or disabled. AWS bills its metrics."
  type        = string
  default     = "enhanced"
}

variable "exec_is_allowed" {
  description = "Whether people can open a shell in a task (aws ecs execute-command). The root file system is then writable, because the agent writes to it."
  type        = bool
  default     = false
  nullable    = false
}

variable "write_token_secret_arn" {
  description = "Secret with the bearer token that changes of the catalogue need; null lets every client change it."
  type        = string
  default     = null
}

variable "seeding_is_allowed" {
  description = "Whether POST /beers/seed fills the catalogue with well-known beers."
  type        = bool
  default     = false
  nullable    = false
}
