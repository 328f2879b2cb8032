# RDS rotates the master's password by itself and without a function; this says when. Without it RDS would do so every seven
# days. Destroying it turns the rotation off, as Secrets Manager has no way back to RDS's own schedule.
variable "master_rotation" {
  description = "When RDS replaces the master's password: every so many days, or by a schedule (rate or cron, in UTC); from then on for window_hours, by default until the day is over."
  type = object({
    days         = optional(number)
    schedule     = optional(string)
    window_hours = optional(number)
  })
  default  = { days = 7 }
  nullable = false

  validation {
    condition     = (var.master_rotation.days == null) != (var.master_rotation.schedule == null)
    error_message = "Give either days, such as 7, or a schedule, such as cron(0 3 ? * SUN *)."
  }

  validation {
    condition     = var.master_rotation.days == null || try(var.master_rotation.days >= 1 && var.master_rotation.days <= 1000 && floor(var.master_rotation.days) == var.master_rotation.days, false)
    error_message = "Choose between 1 and 1000 whole days; RDS's own choice is 7."
  }

  # https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
  validation {
    condition     = var.master_rotation.schedule == null || can(regex("^(rate\\(([4-9]|[1-9][0-9]{1,2}) hours\\)|rate\\((1 day|([2-9]|[1-9][0-9]{1,2}) days)\\)|cron\\(0 [^ ]+ [^ ]+ [^ ]+ [^ ]+ \\*\\))$", var.master_rotation.schedule))
    error_message = "Secrets Manager takes rate(4 hours) or slower, rate(10 days), or a cron expression on the hour in every year, such as cron(0 3 ? * SUN *)."
  }

  validation {
    condition     = var.master_rotation.window_hours == null || try(var.master_rotation.window_hours >= 1 && var.master_rotation.window_hours <= 24 && floor(var.master_rotation.window_hours) == var.master_rotation.window_hours, false)
    error_message = "Choose a window between 1 and 24 whole hours; it must end before the next one begins."
  }
}

resource "aws_secretsmanager_secret_rotation" "master" {
  secret_id = aws_db_instance.this.master_user_secret[0].secret_arn

  # The bootstrap is about to log in.
  rotate_immediately = false

  rotation_rules {
    automatically_after_days = var.master_rotation.days
    schedule_expression      = var.master_rotation.schedule
    duration                 = var.master_rotation.window_hours == null ? null : "${var.master_rotation.window_hours}h"
  }
}
