variable "name" {
  description = "Prefix of every name in this network, such as taproom-dev."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "Use 2 to 31 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "cidr_block" {
  description = "IPv4 range of the VPC; every subnet is a sixteenth of it."
  type        = string

  validation {
    condition     = can(cidrnetmask(var.cidr_block)) && try(tonumber(split("/", var.cidr_block)[1]) >= 16 && tonumber(split("/", var.cidr_block)[1]) <= 22, false)
    error_message = "Give a range between /16 and /22, such as 10.20.0.0/16: a load balancer's subnet must be /27 or larger."
  }
}

variable "availability_zone_count" {
  description = "Number of availability zones that the network spans."
  type        = number

  validation {
    condition     = contains([2, 3], var.availability_zone_count)
    error_message = "Choose 2 or 3: a load balancer and a database subnet group need two zones."
  }
}

variable "service_port" {
  description = "TCP port on which a task of the service listens."
  type        = number

  validation {
    condition     = var.service_port >= 1024 && var.service_port <= 65535
    error_message = "Choose a port between 1024 and 65535: the service is not root and cannot listen below."
  }
}

variable "egress" {
  description = "How tasks and functions reach AWS: `endpoints` (nothing else can be reached), `nat_gateway` (one for all zones, and the internet) or `nat_gateway_per_zone`."
  type        = string
  default     = "endpoints"

  validation {
    condition     = contains(["endpoints", "nat_gateway", "nat_gateway_per_zone"], var.egress)
    error_message = "Choose endpoints, nat_gateway or nat_gateway_per_zone."
  }
}

variable "client_cidr_blocks" {
  description = "IPv4 ranges from which the load balancer may be reached."
  type        = set(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = length(var.client_cidr_blocks) > 0 && alltrue([for block in var.client_cidr_blocks : can(cidrnetmask(block))])
    error_message = "Give at least one IPv4 range, such as 203.0.113.7/32, or 0.0.0.0/0 for everybody."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the flow log."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:kms:", var.kms_key_arn))
    error_message = "Give the ARN of a key in KMS."
  }
}

variable "permissions_boundary_arn" {
  description = "Boundary of the flow log's role; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:[a-z-]+:iam::", var.permissions_boundary_arn))
    error_message = "Give the ARN of a policy in IAM, or null."
  }
}

variable "log_retention_days" {
  description = "Days for which the flow log is kept."
  type        = number
  default     = 90

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch Logs knows 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400 days and some above."
  }
}

variable "exec_is_allowed" {
  description = "Whether people may open a shell in a task, for which tasks must reach Systems Manager."
  type        = bool
  default     = false
  nullable    = false
}
