variable "context" {
  description = "Shared settings: name prefix, also the cluster's name, and permissions boundary (null for none)."
  type        = object({ name = string, permissions_boundary_arn = optional(string) })
  nullable    = false
}

variable "image" {
  description = "Image with the program sleep, such as the service's."
  type        = string
}

variable "cpu_architecture" {
  description = "CPU architecture of the image: ARM64 or X86_64."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the tasks."
  type        = list(string)
}

variable "security_group_id" {
  description = "Security group of the tasks."
  type        = string
}

variable "has_public_address" {
  description = "Whether a task gets a public IPv4 address."
  type        = bool
  default     = false
  nullable    = false
}

variable "database" {
  description = "The database: host name, TCP port, name, RDS resource ID."
  type        = object({ address = string, port = number, name = string, resource_id = string })
}

variable "logins" {
  description = "Logins of the access document with `credential = \"iam\"`."
  type        = set(string)
}
