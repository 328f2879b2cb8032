variable "context" {
  description = "Shared settings: KMS key (environment variables, log and dead-letter topic), log retention in days, and permissions boundary for the role (null for none)."
  type        = object({ kms_key_arn = string, log_retention_days = optional(number, 90), permissions_boundary_arn = optional(string) })
  nullable    = false
}

variable "name" {
  description = "Name of the function, its role and its log group."
  type        = string
}

variable "description" {
  description = "What the function does, in a sentence for the AWS console."
  type        = string
}

variable "package_file" {
  description = "Path of the function's zip, as `make package` builds it."
  type        = string
}

variable "handler" {
  description = "Handler in the zip, as module.function."
  type        = string
}

variable "environment" {
  description = "Environment variables of the function. Never a secret: anyone who can describe the function can read them."
  type        = map(string)
}

variable "memory_mebibytes" {
  description = "Memory, which also determines the share of a processor: 1769 MiB are one."
  type        = number
  default     = 256
}

variable "timeout_seconds" {
  description = "Timeout of an invocation in seconds."
  type        = number
}

variable "permissions" {
  description = "Policy in JSON with the permissions of the function's own work. Those for log, environment variables, network and dead letters are added."
  type        = string
}

variable "network" {
  description = "Subnets and security group of the function, and the account that owns the subnets if another account shares them."
  type        = object({ subnet_ids = list(string), security_group_id = string, owner_id = optional(string) })
  nullable    = false
}

variable "dead_letter_topic_arn" {
  description = "SNS topic, encrypted with the same key, that receives asynchronous events for which the function failed three times."
  type        = string
}
