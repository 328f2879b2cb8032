variable "name" {
  description = "Name of the function, and of its role; its log group is called after it."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,64}$", var.name))
    error_message = "Use 1 to 64 letters, digits, hyphens and underscores."
  }
}

variable "description" {
  description = "What the function does, in a sentence for AWS's console."
  type        = string

  validation {
    condition     = length(var.description) >= 1 && length(var.description) <= 256
    error_message = "Say it in 1 to 256 characters."
  }
}

variable "package_file" {
  description = "Path of the function's zip, as `make package` builds it."
  type        = string

  validation {
    condition     = endswith(var.package_file, ".zip")
    error_message = "Give the path of a zip; `make package` builds build/db_bootstrap.zip."
  }
}

variable "handler" {
  description = "The Python function in the zip that is called for an event, as module.function."
  type        = string

  validation {
    condition     = can(regex("^[a-z_][a-z0-9_]*(\\.[a-z_][a-z0-9_]*)+$", var.handler))
    error_message = "Name module and function, such as db_bootstrap.lambdas.apply.bootstrap."
  }
}

variable "environment" {
  description = "Environment variables of the function. Never a secret: whoever may look at the function reads them."
  type        = map(string)

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^[A-Z][A-Z0-9_]*$", name)) && !startswith(name, "AWS_")])
    error_message = "Use upper-case letters, digits and underscores; names that begin with AWS_ are Lambda's own."
  }
}

variable "memory_mebibytes" {
  description = "Memory, and with it the share of a processor: 1769 MiB are one."
  type        = number
  default     = 256

  validation {
    condition     = var.memory_mebibytes >= 128 && var.memory_mebibytes <= 10240 && floor(var.memory_mebibytes) == var.memory_mebibytes
    error_message = "Lambda gives between 128 and 10240 whole MiB."
  }
}

variable "timeout_seconds" {
  description = "Seconds after which Lambda ends an invocation."
  type        = number

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 900 && floor(var.timeout_seconds) == var.timeout_seconds
    error_message = "Lambda waits between 1 and 900 whole seconds."
  }
}

variable "permissions" {
  description = "Policy in JSON: what the function must be allowed for its own work. Log, environment variables, network and lost events are seen to here."
  type        = string

  validation {
    condition     = can(jsondecode(var.permissions).Statement)
    error_message = "Give a policy in JSON, such as a policy document's."
  }
}

variable "network" {
  description = "Subnets and security group of a function that works in the VPC; null for one outside, which reaches AWS's services by the internet."
  type = object({
    subnet_ids        = list(string)
    security_group_id = string
  })
  default = null

  validation {
    condition     = var.network == null || try(length(var.network.subnet_ids) >= 1 && length(var.network.security_group_id) >= 1, false)
    error_message = "Give at least one subnet and a security group, or null."
  }
}

variable "dead_letter_topic_arn" {
  description = "SNS topic, encrypted with the same key, that gets the events which the function failed at three times and nobody waits for."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:sns:", var.dead_letter_topic_arn))
    error_message = "Give the ARN of an SNS topic, such as arn:aws:sns:us-east-1:123456789012:on-call."
  }
}

variable "log_retention_days" {
  description = "Days for which the function's log is kept."
  type        = number

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch Logs knows 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400 days and some above."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the environment variables, the log and the topic of lost events."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:kms:", var.kms_key_arn))
    error_message = "Give the ARN of a key in KMS."
  }
}

variable "permissions_boundary_arn" {
  description = "Boundary of the function's role; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:[a-z-]+:iam::", var.permissions_boundary_arn))
    error_message = "Give the ARN of a policy in IAM, or null."
  }
}
