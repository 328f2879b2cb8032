locals {
  service_login  = "beers_app"
  migrator_login = "beers_migrator"
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
        connection_limit = 50
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
    condition = alltrue([
      for login in [local.service_login, local.migrator_login] : try(var.access.logins[login].credential == "rotated", false)
    ])
    error_message = "The logins ${local.service_login} and ${local.migrator_login} must stay, each with credential = \"rotated\": the service and its migrations log in as them."
  }
}
