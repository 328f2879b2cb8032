variable "context" {
  description = "Shared settings: KMS key, log retention in days, permissions boundary (null for none)."
  type        = object({ kms_key_arn = string, log_retention_days = optional(number, 90), permissions_boundary_arn = optional(string) })
  nullable    = false
}

variable "name" {
  description = "Name of the function, its role and its log group."
  type        = string
}

variable "description" {
  description = "Description for the AWS console."
  type        = string
}

variable "package_file" {
  description = "Path of the function's zip."
  type        = string
}

variable "handler" {
  description = "Handler in the zip, as module.function."
  type        = string
}

variable "environment" {
  description = "Environment variables; not for secrets."
  type        = map(string)
}

variable "memory_mebibytes" {
  description = "Memory; 1769 MiB have one processor."
  type        = number
  default     = 256
}

variable "timeout_seconds" {
  description = "Timeout of an invocation in seconds."
  type        = number
}

variable "permissions" {
  description = "Policy in JSON; log, environment variables, network and dead letters are added."
  type        = string
}

variable "network" {
  description = "Subnets and security group, and the account that owns the subnets if another one shares them."
  type        = object({ subnet_ids = list(string), security_group_id = string, owner_id = optional(string) })
  nullable    = false
}

variable "dead_letter_topic_arn" {
  description = "SNS topic, with the same key, for events that failed three times."
  type        = string
}
