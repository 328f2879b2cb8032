# The whole document of docs/access.md; the function has the last word on it. Terraform drops an attribute that is not in
# this type without a word, so a key that is misspelled here is not refused but ignored.
variable "access" {
  description = "Who may do what in the database: schemas with their owners, roles that hold privileges, logins for people and programs, and the rest of the access document."
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

  validation {
    condition = alltrue([
      for name, login in var.access.logins : can(regex("^[A-Za-z0-9_+=.@-]{1,61}$", name)) if login.credential == "rotated"
    ])
    error_message = "A login with credential = \"rotated\" has a secret of its name: use letters, digits and _ + = . @ -, 61 characters at most, because its two siblings carry a suffix of two more."
  }

  validation {
    condition = alltrue([
      for schema in values(var.access.schemas) :
      contains(keys(var.access.roles), schema.owner) || try(var.access.logins[schema.owner].credential == "external", false)
    ])
    error_message = "The owner of each schema must be among the roles of the access document, or its external logins."
  }

  validation {
    condition = alltrue(flatten([
      for member in concat(values(var.access.roles)[*].schemas, values(var.access.logins)[*].schemas, var.access.public[*].schemas) : [
        for schema, preset in member :
        contains(keys(var.access.schemas), schema) && contains(["read", "write", "own"], preset)
      ]
    ]))
    error_message = "A role, a login and public name schemas of the access document, and read, write or own for each."
  }

  validation {
    condition = alltrue([
      for login in values(var.access.logins) : contains(["rotated", "iam", "external"], login.credential)
    ])
    error_message = "The credential of a login is rotated (a password that is replaced regularly), iam (a token of a person's) or external (nothing that is managed here)."
  }

  validation {
    condition = alltrue([
      for group in concat(
        flatten([for member in concat(values(var.access.roles), values(var.access.logins)) : concat(member.member_of, keys(member.memberships))]),
        compact(values(var.access.logins)[*].acts_as),
      ) :
      contains(keys(var.access.roles), group) || try(var.access.logins[group].credential == "external", false)
    ])
    error_message = "member_of, memberships and acts_as name roles of the access document, or its external logins."
  }

  validation {
    condition = alltrue([
      for grant in flatten([
        values(var.access.roles)[*].grants, values(var.access.logins)[*].grants, var.access.public[*].grants,
      ]) : contains(["database", "schema", "tables", "sequences", "routines", "types"], grant.on)
    ])
    error_message = "A grant is on: database, schema, tables, sequences, routines or types."
  }

  validation {
    condition     = contains(["revoke", "report"], coalesce(var.access.unlisted, "revoke"))
    error_message = "unlisted says what becomes of access that is not declared: revoke or report."
  }
}
