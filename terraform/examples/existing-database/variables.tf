variable "name" {
  description = "Prefix of all names, such as shop-prod."
  type        = string
}

variable "region" {
  description = "AWS region of the database."
  type        = string
  default     = "us-east-1"
  nullable    = false
}

variable "database_identifier" {
  description = "Identifier of the RDS instance. RDS must manage its master password."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the functions, with a route to the database and to Secrets Manager (an endpoint or a NAT gateway)."
  type        = list(string)
}

variable "security_group_id" {
  description = "Security group of the functions. The database must accept connections from it, and it must allow HTTPS to Secrets Manager."
  type        = string
}

variable "kms_key_arn" {
  description = "KMS key for secrets, environment variables and logs. Its policy must allow CloudWatch Logs, and SNS topics encrypted with it must be usable by the account's services."
  type        = string
}

variable "alarm_topic_arn" {
  description = "SNS topic, encrypted with the same key, for alarms and dead letters."
  type        = string
}

variable "access" {
  description = "The access document; see docs/access.md."
  type        = any # the type is the module's
}

variable "preview_access" {
  description = "Whether a plan previews the SQL of an apply, which then runs exactly that."
  type        = bool
  default     = true
  nullable    = false
}

variable "package_file" {
  description = "Path of the functions' zip; `make package` builds it."
  type        = string
  default     = "../../../build/db_bootstrap.zip"
  nullable    = false
}

variable "is_temporary" {
  description = "Whether secrets are deleted at once instead of after 30 days."
  type        = bool
  default     = false
  nullable    = false
}
