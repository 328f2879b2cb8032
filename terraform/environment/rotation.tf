# When passwords are replaced. The modules check the values, and refuse what Secrets Manager would.

variable "login_rotation" {
  description = "When the logins' passwords are replaced: every so many days, or by a schedule (rate or cron, in UTC). From then on a rotation may begin for window_hours, by default until the day is over. After overdue_after_days without one an alarm goes off, by default two days after it was due."
  type = object({
    days               = optional(number)
    schedule           = optional(string)
    window_hours       = optional(number)
    overdue_after_days = optional(number)
  })
  default  = { days = 30 }
  nullable = false

  validation {
    condition     = (var.login_rotation.days == null) != (var.login_rotation.schedule == null)
    error_message = "Give either days, such as 30, or a schedule, such as cron(0 3 ? * SUN *)."
  }
}

variable "master_rotation" {
  description = "When RDS replaces the master's password, in the same words."
  type = object({
    days               = optional(number)
    schedule           = optional(string)
    window_hours       = optional(number)
    overdue_after_days = optional(number)
  })
  default  = { days = 7 }
  nullable = false

  validation {
    condition     = (var.master_rotation.days == null) != (var.master_rotation.schedule == null)
    error_message = "Give either days, such as 7, or a schedule, such as cron(0 3 ? * SUN *)."
  }

  validation {
    condition     = var.master_rotation.overdue_after_days == null ? var.master_rotation.schedule == null : try(var.master_rotation.overdue_after_days > coalesce(var.master_rotation.days, 0), false)
    error_message = "With a schedule, say after how many days a rotation is overdue; with days, give more than those, or leave it out."
  }
}
