variable "context" {
  description = "Shared settings: name prefix, which is the cluster's name, and permissions boundary for the roles (null for none)."
  type        = object({ name = string, permissions_boundary_arn = optional(string) })
  nullable    = false
}

variable "image" {
  description = "Image from ECR that contains the program sleep; the service's own does."
  type        = string
}

variable "cpu_architecture" {
  description = "CPU architecture for which the image was built: ARM64 or X86_64."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the tasks."
  type        = list(string)
}

variable "security_group_id" {
  description = "Security group of the tasks, which must reach the database and AWS."
  type        = string
}

variable "has_public_address" {
  description = "Whether a task gets a public IPv4 address, through which it reaches AWS."
  type        = bool
  default     = false
  nullable    = false
}

variable "database" {
  description = "The database: host name, TCP port, name and RDS resource id."
  type        = object({ address = string, port = number, name = string, resource_id = string })
}

variable "logins" {
  description = "Logins of the access document with `credential = \"iam\"`."
  type        = set(string)
}
