variable "rotation" {
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
    condition     = (var.rotation.days == null) != (var.rotation.schedule == null)
    error_message = "Give either days, such as 30, or a schedule, such as cron(0 3 ? * SUN *)."
  }

  validation {
    condition     = var.rotation.days == null || try(var.rotation.days >= 1 && var.rotation.days <= 1000 && floor(var.rotation.days) == var.rotation.days, false)
    error_message = "Choose between 1 and 1000 whole days; 30 is a good start."
  }

  # https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
  validation {
    condition     = var.rotation.schedule == null || can(regex("^(rate\\(([4-9]|[1-9][0-9]{1,2}) hours\\)|rate\\((1 day|([2-9]|[1-9][0-9]{1,2}) days)\\)|cron\\(0 [^ ]+ [^ ]+ [^ ]+ [^ ]+ \\*\\))$", var.rotation.schedule))
    error_message = "Secrets Manager takes rate(4 hours) or slower, rate(10 days), or a cron expression on the hour in every year, such as cron(0 3 ? * SUN *)."
  }

  validation {
    condition     = var.rotation.window_hours == null || try(var.rotation.window_hours >= 1 && var.rotation.window_hours <= 24 && floor(var.rotation.window_hours) == var.rotation.window_hours, false)
    error_message = "Choose a window between 1 and 24 whole hours; it must end before the next one begins."
  }

  validation {
    condition     = var.rotation.overdue_after_days == null ? var.rotation.schedule == null : try(var.rotation.overdue_after_days > coalesce(var.rotation.days, 0) && floor(var.rotation.overdue_after_days) == var.rotation.overdue_after_days, false)
    error_message = "With a schedule, say after how many whole days a rotation is overdue; with days, give more than those, or leave it out."
  }
}

variable "master_overdue_after_days" {
  description = "Days after which an alarm says that RDS has not rotated the master's password."
  type        = number
  default     = 9

  validation {
    condition     = var.master_overdue_after_days >= 2 && floor(var.master_overdue_after_days) == var.master_overdue_after_days
    error_message = "Give whole days, more than lie between two rotations."
  }
}
