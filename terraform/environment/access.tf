locals {
  service_login  = "beers_app"
  migrator_login = "beers_migrator"

  service_credential = var.database_auth == "iam" ? "iam" : "rotated"

  # What app/server/capacity.py makes of a task's share of a machine, and app/settings.py of each worker.
  service_workers     = max(1, min(max(2, ceil(var.service_cpu_units / 1024)), floor((var.service_memory_mebibytes - 60) / 110)))
  service_connections = 5

  # While a version replaces the one before, both serve (deployment_maximum_percent).
  service_sessions = 2 * var.service_task_count.maximum * local.service_workers * local.service_connections
}

variable "database_auth" {
  description = "How the service logs in to the database: with the credential of a secret that is rotated (secret), or with a token that its role signs (iam). Its migrations keep their secret either way."
  type        = string
  default     = "secret"
  nullable    = false

  validation {
    condition     = contains(["secret", "iam"], var.database_auth)
    error_message = "Choose secret or iam."
  }
}

variable "access" {
  description = "Who may do what in the database: schemas with their owners, roles that hold privileges, and logins for people and programs. The function refuses what does not fit together."
  type = object({
    database = string
    unlisted = optional(string)
    schemas = optional(map(object({
      owner = string
    })), {})
    extensions = optional(map(object({
      schema = optional(string)
    })))
    roles = optional(map(object({
      comment   = optional(string)
      member_of = optional(list(string), [])
      memberships = optional(map(object({
        inherit = optional(bool)
        set     = optional(bool)
        admin   = optional(bool)
      })), {})
      schemas = optional(map(string), {})
      grants = optional(list(object({
        on         = string
        privileges = list(string)
        schema     = optional(string)
        names      = optional(list(string))
        columns    = optional(list(string))
      })), [])
    })), {})
    logins = optional(map(object({
      comment   = optional(string)
      member_of = optional(list(string), [])
      memberships = optional(map(object({
        inherit = optional(bool)
        set     = optional(bool)
        admin   = optional(bool)
      })), {})
      schemas = optional(map(string), {})
      grants = optional(list(object({
        on         = string
        privileges = list(string)
        schema     = optional(string)
        names      = optional(list(string))
        columns    = optional(list(string))
      })), [])
      credential       = string
      acts_as          = optional(string)
      connection_limit = optional(number)
      settings         = optional(map(string))
    })), {})
    public = optional(object({
      schemas = optional(map(string), {})
      grants = optional(list(object({
        on         = string
        privileges = list(string)
        schema     = optional(string)
        names      = optional(list(string))
        columns    = optional(list(string))
      })), [])
    }))
    retired = optional(map(object({
      reassign_to        = optional(string)
      drop_owned         = optional(bool)
      terminate_sessions = optional(bool)
    })))
  })

  default = {
    database = "beers"
    schemas = {
      beers = { owner = "beers_owner" }
    }
    roles = {
      beers_owner  = {}
      beers_writer = { schemas = { beers = "write" } }
      beers_reader = { schemas = { beers = "read" } }
    }
    logins = {
      beers_app = {
        credential       = "rotated"
        member_of        = ["beers_writer"]
        connection_limit = 120
        settings         = { statement_timeout = "5s" }
      }
      beers_migrator = {
        credential = "rotated"
        acts_as    = "beers_owner"
      }
      beers_report = {
        credential = "iam"
        member_of  = ["beers_reader"]
      }
    }
  }

  validation {
    condition     = try(var.access.logins[local.migrator_login].credential == "rotated", false)
    error_message = "The login ${local.migrator_login} must stay, with credential = \"rotated\": the service's migrations log in as it."
  }

  validation {
    condition     = try(var.access.logins[local.service_login].credential == local.service_credential, false)
    error_message = "The login ${local.service_login} must stay, with credential = \"${local.service_credential}\": the service logs in as it, and database_auth is \"${var.database_auth}\"."
  }

  validation {
    condition     = try(var.access.logins[local.service_login].connection_limit < 0 || var.access.logins[local.service_login].connection_limit >= local.service_sessions, true) # none is no limit
    error_message = "While a version is rolled out, ${var.service_task_count.maximum} tasks of ${local.service_workers} workers are there twice and may hold ${local.service_sessions} sessions. Give the login ${local.service_login} a connection_limit of as many, if the database's max_connections allows it, or choose fewer or smaller tasks."
  }
}
