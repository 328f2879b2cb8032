variable "project_name" {
  description = "Prefix of every name in AWS."
  type        = string
  default     = "taproom"
  nullable    = false

  validation {
    # RDS refuses two hyphens in a row, ELB a name that begins with "internal-", and EC2 a group whose name begins with "sg-".
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.project_name)) && length(var.project_name) >= 2 && length(var.project_name) <= 16 && !can(regex("^(internal|sg)(-|$)", var.project_name))
    error_message = "Use 2 to 16 lower-case letters and digits, with single hyphens between them. Begin with a letter, but not with the words internal or sg."
  }
}

variable "region" {
  description = "AWS region of the states and the registry."
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

variable "github_owner_id" {
  description = "Number of the repository's owner: `gh api repos/OWNER/REPOSITORY --jq .owner.id`."
  type        = string

  validation {
    condition     = can(regex("^[1-9][0-9]*$", var.github_owner_id))
    error_message = "Use the owner's number, digits only."
  }
}

variable "github_repository_id" {
  description = "Number of the repository: `gh api repos/OWNER/REPOSITORY --jq .id`."
  type        = string

  validation {
    condition     = can(regex("^[1-9][0-9]*$", var.github_repository_id))
    error_message = "Use the repository's number, digits only."
  }
}

variable "trust_legacy_subject" {
  description = "Whether to trust the subject without numbers too, for a repository of before July 2026 without immutable subjects."
  type        = bool
  default     = false
  nullable    = false
}

variable "github_oidc_provider_arn" {
  description = "GitHub's existing OIDC provider; null creates it. AWS allows one per issuer."
  type        = string
  default     = null
}

variable "backup_copy_region" {
  description = "Region into which environments can copy the backups of their databases (`database_backup_copy_region`); null allows no copies."
  type        = string
  default     = null
}

variable "deploy_environments" {
  description = "Environments in this account that GitHub deploys."
  type        = set(string)
  default     = ["dev", "staging", "prod"]
  nullable    = false

  validation {
    condition     = length(var.deploy_environments) > 0 && alltrue([for name in var.deploy_environments : can(regex("^[a-z][a-z0-9]{1,11}$", name))])
    error_message = "Set at least one environment, each with 2 to 12 lower-case letters and digits."
  }

  # Their names would be those of the account's own roles, policies and state.
  validation {
    condition     = length(setintersection(var.deploy_environments, ["account", "build", "deploy", "drift", "pipeline", "plan", "release"])) == 0
    error_message = "Choose other names than account, build, deploy, drift, pipeline, plan and release: the account's own resources have them."
  }
}

variable "domain_names" {
  description = "Domain names that an environment can use, by environment."
  type        = map(set(string))
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in flatten([for names in var.domain_names : tolist(names)]) : can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", name))])
    error_message = "Use lower-case host names without a wildcard and without a dot at the end, such as beers.example.com."
  }

  validation {
    condition     = length(setsubtract(keys(var.domain_names), var.deploy_environments)) == 0 && length(distinct(flatten([for names in var.domain_names : tolist(names)]))) == length(flatten([for names in var.domain_names : tolist(names)]))
    error_message = "Name only environments of deploy_environments, and each domain name for one environment."
  }
}

variable "database_resource_ids" {
  description = "Resource ID of each environment's database (`db-...`), where environments share an account and use `database_auth = \"iam\"`."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for id in var.database_resource_ids : can(regex("^db-[A-Z0-9]+$", id))])
    error_message = "Use resource IDs of instances such as db-ABCDEFGHIJKL01234, without a wildcard."
  }

  validation {
    condition     = length(setsubtract(keys(var.database_resource_ids), var.deploy_environments)) == 0
    error_message = "Name only environments of deploy_environments."
  }
}

variable "registry_account_id" {
  description = "Account with the registry for this account's environments; null makes one here."
  type        = string
  default     = null

  validation {
    condition     = var.registry_account_id == null || can(regex("^[0-9]{12}$", var.registry_account_id))
    error_message = "Use an account's number, 12 digits."
  }
}

variable "registry_client_account_ids" {
  description = "Other accounts whose environments use the registry here."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.registry_client_account_ids : can(regex("^[0-9]{12}$", id))]) && (var.registry_account_id == null || length(var.registry_client_account_ids) == 0)
    error_message = "Use accounts' numbers, 12 digits each, and only where registry_account_id is null."
  }
}

variable "state_version_days" {
  description = "Days for which earlier states are kept; 0 keeps them, and saved plans, forever."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = var.state_version_days == 0 || var.state_version_days >= 30
    error_message = "Choose at least 30 days, or 0 to keep them forever: a mistake may be noticed late."
  }
}

variable "access_log_days" {
  description = "Days for which access logs of states and load balancers are kept; 0 keeps them forever."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = var.access_log_days >= 0
    error_message = "Choose a number of days, or 0 to keep them forever."
  }
}
