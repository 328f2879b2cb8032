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
    condition     = can(cidrhost(var.cidr_block, 0)) && try(tonumber(split("/", var.cidr_block)[1]) >= 16 && tonumber(split("/", var.cidr_block)[1]) <= 22, false)
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
