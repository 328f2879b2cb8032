variable "project_name" {
  description = "Name of the project; the prefix of every name in AWS."
  type        = string
  default     = "taproom"
  nullable    = false

  validation {
    # RDS refuses two hyphens in a row, and ELB a name that begins with "internal-".
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.project_name)) && length(var.project_name) >= 2 && length(var.project_name) <= 16 && !can(regex("^internal(-|$)", var.project_name))
    error_message = "Use 2 to 16 lower-case letters and digits, with single hyphens between them. Begin with a letter, but not with the word internal."
  }
}

variable "region" {
  description = "AWS region of the state bucket and of the registry."
  type        = string
  default     = "us-east-1"
  nullable    = false
}

variable "github_repository" {
  description = "Repository whose workflows can deploy, as OWNER/REPOSITORY."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "Use OWNER/REPOSITORY without a wildcard: every repository that matches could deploy."
  }
}

variable "github_oidc_provider_arn" {
  description = "GitHub's OIDC provider, if the account has it already; null creates it. AWS allows one per issuer."
  type        = string
  default     = null
}

variable "deploy_environments" {
  description = "Environments that GitHub deploys, by their names in GitHub and in the variable files."
  type        = set(string)
  default     = ["dev", "staging", "prod"]
  nullable    = false

  validation {
    condition     = length(var.deploy_environments) > 0 && alltrue([for name in var.deploy_environments : can(regex("^[a-z][a-z0-9]{1,11}$", name))])
    error_message = "Set at least one environment, each with 2 to 12 lower-case letters and digits."
  }
}

variable "state_version_days" {
  description = "Days for which earlier versions of a state are kept; 0 keeps them forever."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = var.state_version_days == 0 || var.state_version_days >= 30
    error_message = "Choose at least 30 days, or 0 to keep them forever: a mistake may be noticed late."
  }
}

variable "access_log_days" {
  description = "Days for which access logs of the states and the load balancers are kept; 0 keeps them forever."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = var.access_log_days >= 0
    error_message = "Choose a number of days, or 0 to keep them forever."
  }
}
