variable "name" {
  description = "Prefix of every name of the edge, such as taproom-dev."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "Use 2 to 31 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "vpc_id" {
  description = "VPC of the service."
  type        = string

  validation {
    condition     = try(length(var.vpc_id) > 0, false)
    error_message = "Give the id of a VPC."
  }
}

variable "public_subnet_ids" {
  description = "Subnets of the load balancer, in at least two availability zones."
  type        = list(string)

  validation {
    condition     = length(var.public_subnet_ids) >= 2
    error_message = "Give at least two subnets: a load balancer needs two zones."
  }
}

variable "security_group_id" {
  description = "Security group of the load balancer."
  type        = string

  validation {
    condition     = try(length(var.security_group_id) > 0, false)
    error_message = "Give the id of a security group."
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

variable "certificate_arn" {
  description = "ACM certificate of a domain whose records are kept elsewhere. Without it and without a domain the service speaks plain HTTP, which is for trials only."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_arn == null || can(regex("^arn:[a-z-]+:acm:", var.certificate_arn))
    error_message = "Give the ARN of a certificate in ACM, or null."
  }
}

variable "domain_name" {
  description = "Domain of the service, for which a certificate and records are made. Null leaves both to somebody else."
  type        = string
  default     = null

  validation {
    condition     = var.domain_name == null || can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain_name))
    error_message = "Give a domain in lower case, such as beers.example.com, or null."
  }

  validation {
    condition     = var.domain_name == null || var.certificate_arn == null
    error_message = "Give either a domain, which gets a certificate of its own, or the ARN of a certificate."
  }
}

variable "dns_zone_name" {
  description = "Hosted zone of Route 53 in which the domain's records are made."
  type        = string
  default     = null

  validation {
    condition     = var.domain_name == null || try(var.domain_name == var.dns_zone_name || endswith(var.domain_name, ".${var.dns_zone_name}"), false)
    error_message = "Name the hosted zone that the domain lies in: beers.example.com lies in example.com."
  }
}

variable "requests_per_five_minutes_limit" {
  description = "Requests that one address may send within five minutes before the web application firewall turns it away; null for no firewall."
  type        = number
  default     = 2000

  validation {
    condition     = var.requests_per_five_minutes_limit == null || try(var.requests_per_five_minutes_limit >= 10 && var.requests_per_five_minutes_limit <= 2000000000, false)
    error_message = "Choose at least 10, or null for no firewall."
  }
}

variable "access_log_bucket_name" {
  description = "Bucket for the load balancer's access logs, which are kept under the edge's name."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.access_log_bucket_name))
    error_message = "Give the name of a bucket in S3."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the firewall's log."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:kms:", var.kms_key_arn))
    error_message = "Give the ARN of a key in KMS."
  }
}

variable "log_retention_days" {
  description = "Days for which the firewall's log is kept."
  type        = number
  default     = 90

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch Logs knows 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400 days and some above."
  }
}

variable "is_temporary" {
  description = "Whether the environment is one to try things in: the load balancer can be deleted, and tasks leave quickly."
  type        = bool
  default     = false
  nullable    = false
}
