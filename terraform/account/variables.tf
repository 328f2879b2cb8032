variable "project_name" {
  description = "Name of the project; the beginning of every name in AWS."
  type        = string
  default     = "taproom"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.project_name))
    error_message = "Use 2 to 16 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "region" {
  description = "AWS region of the state bucket and of the registry."
  type        = string
  default     = "us-east-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "Give the name of an AWS region, such as us-east-1."
  }
}

variable "github_repository" {
  description = "Repository whose workflows may deploy, as OWNER/REPOSITORY."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "Give OWNER/REPOSITORY, with no wildcard: whoever matches may deploy."
  }
}

variable "deploy_environments" {
  description = "Environments that GitHub deploys, by the names that GitHub and the variable files give them."
  type        = set(string)
  default     = ["dev", "staging", "prod"]

  validation {
    condition     = length(var.deploy_environments) > 0 && alltrue([for name in var.deploy_environments : can(regex("^[a-z][a-z0-9]{1,11}$", name))])
    error_message = "Name at least one environment, each with 2 to 12 lower-case letters and digits."
  }
}

variable "state_version_days" {
  description = "Days for which an earlier version of a state is kept; 0 keeps each for ever."
  type        = number
  default     = 365

  validation {
    condition     = var.state_version_days == 0 || var.state_version_days >= 30
    error_message = "Choose at least 30 days, or 0 for ever: a mistake may be noticed late."
  }
}

variable "access_log_days" {
  description = "Days for which logs of access to the states and to the load balancers are kept; 0 keeps them for ever."
  type        = number
  default     = 365

  validation {
    condition     = var.access_log_days >= 0 && floor(var.access_log_days) == var.access_log_days
    error_message = "Choose a whole number of days, or 0 for ever."
  }
}
