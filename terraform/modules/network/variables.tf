variable "context" {
  description = "Shared settings: name prefix, KMS key, log retention in days, permissions boundary (null for none)."
  type        = object({ name = string, kms_key_arn = string, log_retention_days = optional(number, 90), permissions_boundary_arn = optional(string) })
  nullable    = false
}

variable "cidr_block" {
  description = "IPv4 range of the VPC; each subnet is a sixteenth of it."
  type        = string
}

variable "availability_zone_count" {
  description = "Number of availability zones that the network spans."
  type        = number
}

variable "excluded_zone_ids" {
  description = "IDs of availability zones not to use, by default those without Lambda, Fargate or some endpoints."
  type        = set(string)
  default     = ["apne1-az3", "use1-az3", "usw1-az2"]
  nullable    = false
}

variable "service_port" {
  description = "TCP port of the service's tasks."
  type        = number
}

variable "egress" {
  description = "Route of tasks and functions to AWS: `endpoints`, `nat_gateway`, `nat_gateway_per_zone` or `public_addresses`; see the environment's network_egress."
  type        = string
  default     = "endpoints"
}

variable "client_cidr_blocks" {
  description = "IPv4 ranges that can reach the load balancer."
  type        = set(string)
  nullable    = false
}

variable "exec_is_allowed" {
  description = "Whether people can open a shell in a task."
  type        = bool
  default     = false
  nullable    = false
}

variable "psql_is_allowed" {
  description = "Whether tasks can forward a port to the database."
  type        = bool
  default     = false
  nullable    = false
}
