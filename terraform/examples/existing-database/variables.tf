variable "name" {
  description = "Prefix of all names, such as shop-prod. null: db- and the database's name."
  type        = string
  default     = null
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
  description = "Subnets of the functions, with a route to the database and to Secrets Manager."
  type        = list(string)
}

variable "access" {
  description = "The access document; see docs/access.md."
  type        = any # the function validates it
}

variable "preview_access" {
  description = "Whether a plan previews the SQL of an apply, which then runs exactly that."
  type        = bool
  default     = true
  nullable    = false
}

variable "package_file" {
  description = "Path of the functions' zip. null: `build/db_bootstrap.zip`, which `make package` builds, or the one in the release's archive of the module."
  type        = string
  default     = null
}

variable "is_temporary" {
  description = "Whether secrets are deleted at once instead of after 30 days."
  type        = bool
  default     = false
  nullable    = false
}
