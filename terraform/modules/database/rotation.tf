# RDS rotates the master password without a function; this sets the schedule. Without it RDS would do so every seven
# days. Destroying it turns the rotation off, as Secrets Manager has no way back to RDS's own schedule.

resource "aws_secretsmanager_secret_rotation" "master" {
  for_each = local.instances

  secret_id = aws_db_instance.this[each.key].master_user_secret[0].secret_arn

  # The bootstrap is about to log in.
  rotate_immediately = false

  rotation_rules {
    automatically_after_days = var.master_rotation.days
    schedule_expression      = var.master_rotation.schedule
    duration                 = var.master_rotation.window_hours == null ? null : "${var.master_rotation.window_hours}h"
  }
}

moved {
  from = aws_secretsmanager_secret_rotation.master
  to   = aws_secretsmanager_secret_rotation.master["first"]
}
