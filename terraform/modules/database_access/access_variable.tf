variable "access" {
  description = "Who may do what in the database: schemas with their owners, roles that hold privileges, and logins for people and programs."
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

  validation {
    condition = alltrue([
      for name in concat([var.access.database], keys(var.access.schemas), keys(var.access.roles), keys(var.access.logins)) :
      can(regex("^[a-z_][a-z0-9_]{0,60}$", name))
    ])
    error_message = "Names in the access document are lower-case letters, digits and underscores, do not begin with a digit, and have 61 characters at most: a rotated login's two siblings carry a suffix of two more."
  }

  validation {
    condition = alltrue([
      for schema in values(var.access.schemas) : contains(keys(var.access.roles), schema.owner)
    ])
    error_message = "The owner of each schema must be among the roles of the access document."
  }

  validation {
    condition = alltrue(flatten([
      for role in values(var.access.roles) : [
        for schema, preset in coalesce(role.schemas, {}) :
        contains(keys(var.access.schemas), schema) && contains(["read", "write", "own"], preset)
      ]
    ]))
    error_message = "A role names schemas of the access document, and read, write or own for each."
  }

  validation {
    condition = alltrue([
      for login in values(var.access.logins) : contains(["rotated", "iam"], login.credential)
    ])
    error_message = "The credential of a login is rotated (a password that is replaced regularly) or iam (a token of a person's)."
  }

  validation {
    condition = alltrue(flatten([
      for login in values(var.access.logins) : [
        for role in concat(coalesce(login.member_of, []), login.acts_as[*]) : contains(keys(var.access.roles), role)
      ]
    ]))
    error_message = "member_of and acts_as of a login name roles of the access document."
  }
}
