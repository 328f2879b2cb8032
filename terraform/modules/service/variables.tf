variable "name" {
  description = "Prefix of every name of this service, such as taproom-dev."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "Use 2 to 31 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "image" {
  description = "Image to run, in a registry of ECR: by digest, or by a tag that never moves."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}\\.dkr\\.ecr\\.[a-z0-9-]+\\.amazonaws\\.com(\\.cn)?/[a-z0-9][a-z0-9/._-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$", var.image))
    error_message = "Name an image in ECR, such as 123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom@sha256:... : the tasks have no route to another registry."
  }

  validation {
    condition     = can(regex("(@sha256:[0-9a-f]{64}|/[^:@]*:[A-Za-z0-9_][A-Za-z0-9_.-]*)$", var.image))
    error_message = "Name the image by digest (NAME@sha256:...) or by a tag that never moves (NAME:v1.2.3)."
  }

  validation {
    condition     = !can(regex(":latest(@|$)", var.image))
    error_message = "The tag latest moves: what runs could not be told from the configuration. Name a digest."
  }
}

variable "cpu_units" {
  description = "Processor of one task, in units of 1/1024 of a core."
  type        = number

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096], var.cpu_units)
    error_message = "Fargate offers 256, 512, 1024, 2048 and 4096 units."
  }
}

variable "memory_mebibytes" {
  description = "Memory of one task, in mebibytes."
  type        = number

  validation {
    condition     = var.memory_mebibytes >= 2 * var.cpu_units && var.memory_mebibytes <= min(8 * var.cpu_units, 30720) && (var.memory_mebibytes == 512 || var.memory_mebibytes % 1024 == 0)
    error_message = "Fargate gives a task from two to eight times as many mebibytes as processor units, in steps of 1024 (512 is possible too)."
  }
}

variable "cpu_architecture" {
  description = "Processor architecture for which the image was built."
  type        = string

  validation {
    condition     = contains(["ARM64", "X86_64"], var.cpu_architecture)
    error_message = "Choose ARM64 or X86_64."
  }
}

variable "service_port" {
  description = "TCP port on which a task listens."
  type        = number

  validation {
    condition     = var.service_port >= 1024 && var.service_port <= 65535
    error_message = "Choose a port between 1024 and 65535: the service is not root and cannot listen below."
  }
}

variable "service_secret_arn" {
  description = "Secret of the login with which the service reads and changes rows; null if it logs in by token."
  type        = string
  default     = null

  validation {
    condition     = var.iam_login == null ? can(regex("^arn:[a-z-]+:secretsmanager:", var.service_secret_arn)) : var.service_secret_arn == null
    error_message = "Give either the ARN of a secret in Secrets Manager or iam_login."
  }
}

variable "iam_login" {
  description = "Login with which the service reads and changes rows by a token of its role, and where: host name, TCP port, name and RDS's id of the database. Null if it logs in with a secret."
  type = object({
    user        = string
    address     = string
    port        = number
    database    = string
    resource_id = string
  })
  default = null

  validation {
    condition     = var.iam_login == null || can(regex("^[a-z][a-z0-9_]{0,62}$", var.iam_login.user))
    error_message = "A login has lower-case letters, digits and underscores, 63 at most; anything else would be a pattern in the permission."
  }
}

variable "migrator_secret_arn" {
  description = "Secret of the login with which migrations change tables."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:secretsmanager:", var.migrator_secret_arn))
    error_message = "Give the ARN of a secret in Secrets Manager."
  }
}

variable "private_subnet_ids" {
  description = "Subnets of the tasks."
  type        = list(string)

  validation {
    condition     = length(var.private_subnet_ids) >= 1
    error_message = "Give at least one subnet."
  }
}

variable "target_group_arn" {
  description = "Target group in which the tasks are registered; a listener must use it already."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:elasticloadbalancing:", var.target_group_arn))
    error_message = "Give the ARN of a target group."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the tasks' log and the logins' secrets."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:kms:", var.kms_key_arn))
    error_message = "Give the ARN of a key in KMS."
  }
}

variable "permissions_boundary_arn" {
  description = "Boundary of the roles of tasks and of ECS; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:[a-z-]+:iam::", var.permissions_boundary_arn))
    error_message = "Give the ARN of a policy in IAM, or null."
  }
}

variable "service_security_group_id" {
  description = "Security group of the tasks."
  type        = string

  validation {
    condition     = try(length(var.service_security_group_id) > 0, false)
    error_message = "Give the id of a security group."
  }
}

variable "log_retention_days" {
  description = "Days for which the service's logs are kept."
  type        = number
  default     = 90

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch Logs knows 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400 days and some above."
  }
}
