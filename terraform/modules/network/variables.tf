variable "context" {
  description = "Shared settings: name prefix, KMS key (the flow log), log retention in days, and permissions boundary for the flow log's role (null for none)."
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
  description = "IDs of availability zones that the network must not use: use1-az3 lacks AWS Lambda and some VPC endpoints."
  type        = set(string)
  default     = ["use1-az3"]
  nullable    = false
}

variable "service_port" {
  description = "TCP port on which tasks of the service listen."
  type        = number
}

variable "egress" {
  description = "How tasks and functions reach AWS: `endpoints` (only AWS is reachable), `nat_gateway` (one for all zones; the internet is reachable), `nat_gateway_per_zone`, or `public_addresses` (the cheapest: each task has a public address, functions reach Secrets Manager only)."
  type        = string
  default     = "endpoints"
}

variable "client_cidr_blocks" {
  description = "IPv4 ranges that can reach the load balancer; none if empty."
  type        = set(string)
  nullable    = false
}

variable "exec_is_allowed" {
  description = "Whether people can open a shell in a task, for which tasks must reach Systems Manager."
  type        = bool
  default     = false
  nullable    = false
}

variable "psql_is_allowed" {
  description = "Whether tasks can forward a port to the database, for which they must reach it and Systems Manager."
  type        = bool
  default     = false
  nullable    = false
}
