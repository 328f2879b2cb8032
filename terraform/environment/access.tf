locals {
  service_login  = "beers_app"
  migrator_login = "beers_migrator"
}

variable "access" {
  description = "Who may do what in the database: schemas with their owners, roles that hold privileges, and logins for people and programs. The function refuses what does not fit together."
  type = object({
    database = string
    schemas  = map(object({ owner = string }))
    roles    = map(object({ schemas = optional(map(string)) }))
    logins = map(object({
      credential       = string
      member_of        = optional(list(string))
      acts_as          = optional(string)
      connection_limit = optional(number)
      settings         = optional(map(string))
    }))
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
