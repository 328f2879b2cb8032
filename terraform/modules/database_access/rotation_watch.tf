# The watch over rotations that did not come: a schedule has a function ask Secrets Manager when each secret was rotated
# last, the function prints how many are overdue as a metric, and alarms read that. The function can describe secrets but
# not read them, and has no way to the database.

locals {
  rotation_watch_name           = "${local.context.name}-rotation-watch"
  rotation_watch_interval_hours = 6
  # Two checks can be missing before the alarm fires.
  hours_without_a_rotation_watch = 2 * local.rotation_watch_interval_hours + 1

  login_overdue_after_days = coalesce(var.rotation.overdue_after_days, try(var.rotation.days + 2, null))
  overdue_after_days = merge(
    zipmap(values(local.secret_arn_by_login), [for _ in local.secret_arn_by_login : local.login_overdue_after_days]),
    { for arn in local.master_secret_arns : arn => var.master_overdue_after_days },
  )

  describe_secrets      = { Sid = "DescribeSecrets", Effect = "Allow", Action = ["secretsmanager:DescribeSecret"], Resource = keys(local.overdue_after_days) }
  invoke_rotation_watch = { Sid = "InvokeRotationWatch", Effect = "Allow", Action = ["lambda:InvokeFunction"], Resource = [module.rotation_watch.arn] }
}

module "rotation_watch" {
  source = "../function"

  context         = local.context
  name            = local.rotation_watch_name
  description     = "Counts the secrets of database ${var.database.name} that were not rotated in time"
  handler         = "db_bootstrap.lambdas.overdue.watch"
  timeout_seconds = 60
  permissions     = jsonencode({ Version = "2012-10-17", Statement = [local.describe_secrets] })

  network = merge(local.database_network, { security_group_id = coalesce(var.rotation_watch_security_group_id, local.security_group_id) })

  environment = {
    POWERTOOLS_METRICS_NAMESPACE = local.metrics_namespace
    POWERTOOLS_SERVICE_NAME      = local.rotation_watch_name
    POWERTOOLS_LOG_LEVEL         = "INFO"
  }

  package_file          = local.package_file
  dead_letter_topic_arn = local.dead_letter_topic_arn
}

resource "aws_scheduler_schedule" "rotation_watch" {
  name                = local.rotation_watch_name
  group_name          = aws_scheduler_schedule_group.drift.name
  description         = "Checks the secrets of database ${var.database.name} for overdue rotations"
  schedule_expression = "rate(${local.rotation_watch_interval_hours} hours)"
  kms_key_arn         = local.context.kms_key_arn

  flexible_time_window { mode = "OFF" }

  target {
    arn      = module.rotation_watch.arn
    role_arn = aws_iam_role.rotation_watch_schedule.arn
    input    = jsonencode({ overdue_after_days = local.overdue_after_days })

    # The next check is a better retry than this one tomorrow.
    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 2
    }
  }

  depends_on = [aws_secretsmanager_secret_rotation.login, aws_iam_role_policy.rotation_watch_schedule]
}

resource "aws_iam_role" "rotation_watch_schedule" {
  name                 = "${local.rotation_watch_name}-schedule"
  description          = "Lets the schedule of rotation checks invoke its function"
  assume_role_policy   = jsonencode({ Version = "2012-10-17", Statement = [local.assumed_by_schedule] })
  permissions_boundary = local.context.permissions_boundary_arn
}

resource "aws_iam_role_policy" "rotation_watch_schedule" {
  name   = "invoke-rotation-watch"
  role   = aws_iam_role.rotation_watch_schedule.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [local.invoke_rotation_watch, local.decrypt_input] })
}
