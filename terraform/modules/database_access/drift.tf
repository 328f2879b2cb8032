# Drift detection: a schedule invokes the planning function, which compares the database with the applied document and emits
# the number of differences as a metric for the alarms.

locals {
  metrics_namespace = "Taproom"
  # One value for both functions, because both print the metric: the one that applied has just seen that nothing differs.
  metrics_service  = "${local.context.name}-database-access"
  drift_dimensions = { service = local.metrics_service, database = var.database.name }

  # Two checks can be missing before the alarm fires.
  hours_without_a_check = 2 * var.drift_check_interval_hours + 1
}

# A dedicated group, because a role can trust the scheduler for a group but not for a single schedule.
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
resource "aws_scheduler_schedule_group" "drift" {
  name = "${local.context.name}-access"
}

# EventBridge Scheduler rather than a rule: it takes an input of 256 KB, a rule's target one of 8,192 characters, and an
# access document can be longer than that.
resource "aws_scheduler_schedule" "verify" {
  name                = "${local.context.name}-access-verify"
  group_name          = aws_scheduler_schedule_group.drift.name
  description         = "Has database ${var.database.name} compared with the access that is declared for it"
  schedule_expression = "rate(${var.drift_check_interval_hours} ${var.drift_check_interval_hours == 1 ? "hour" : "hours"})"
  kms_key_arn         = local.context.kms_key_arn

  flexible_time_window { mode = "OFF" }

  target {
    arn      = module.planner.arn
    role_arn = aws_iam_role.drift.arn
    input    = jsonencode({ action = "verify", document = var.access })

    # The next check is a better retry than this one tomorrow.
    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 2
    }
  }

  # A document is watched over from the moment that it holds.
  depends_on = [aws_lambda_invocation.apply, aws_iam_role_policy.drift]
}

locals {
  assumed_by_schedule = {
    Sid       = "AssumeRoleFromScheduler", Effect = "Allow", Principal = { Service = "scheduler.amazonaws.com" }, Action = "sts:AssumeRole"
    Condition = { StringEquals = { "aws:SourceAccount" = local.account_id }, ArnEquals = { "aws:SourceArn" = aws_scheduler_schedule_group.drift.arn } }
  }

  # Scheduler decrypts what a schedule hands over with the credentials of the schedule's role, so without kms:ViaService.
  # https://docs.aws.amazon.com/scheduler/latest/UserGuide/encryption-rest.html#key-management-cloud-trail
  decrypt_input = {
    Sid       = "DecryptInput", Effect = "Allow", Action = ["kms:Decrypt"], Resource = [local.context.kms_key_arn]
    Condition = { ArnLike = { "kms:EncryptionContext:aws:scheduler:schedule:arn" = "${replace(aws_scheduler_schedule_group.drift.arn, ":schedule-group/", ":schedule/")}/*" } }
  }
  invoke_planner = { Sid = "InvokePlanner", Effect = "Allow", Action = ["lambda:InvokeFunction"], Resource = [module.planner.arn] }
}

resource "aws_iam_role" "drift" {
  name                 = "${local.context.name}-access-verify"
  description          = "Lets the schedule of drift checks invoke the planning function"
  assume_role_policy   = jsonencode({ Version = "2012-10-17", Statement = [local.assumed_by_schedule] })
  permissions_boundary = local.context.permissions_boundary_arn
}

resource "aws_iam_role_policy" "drift" {
  name   = "access-verify"
  role   = aws_iam_role.drift.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [local.invoke_planner, local.decrypt_input] })
}

# A value comes every few hours: between two, the alarm stays as the last one left it.
resource "aws_cloudwatch_metric_alarm" "drift" {
  alarm_name        = "${local.context.name}-access-drift"
  alarm_description = "The access to database ${var.database.name} was changed manually. The log of ${module.planner.name} says in sentences what each login gains or loses if an apply undoes that; `terraform plan` shows the statements. See docs/runbook.md#alarm-access-drift"

  namespace           = local.metrics_namespace
  metric_name         = "AccessDrift"
  dimensions          = local.drift_dimensions
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "ignore"

  alarm_actions = local.alarm_topic_arns
  ok_actions    = local.alarm_topic_arns
}

# Without this alarm, a schedule that stopped would look like a database without drift.
resource "aws_cloudwatch_metric_alarm" "not_verified" {
  alarm_name        = "${local.context.name}-access-not-verified"
  alarm_description = "For ${local.hours_without_a_check} hours no check compared the access to database ${var.database.name} with the document. Check whether the schedule ${aws_scheduler_schedule.verify.name} runs, and the log of ${module.planner.name}. See docs/runbook.md#alarm-access-not-verified"

  namespace           = local.metrics_namespace
  metric_name         = "AccessDrift"
  dimensions          = local.drift_dimensions
  statistic           = "SampleCount"
  period              = 3600
  evaluation_periods  = local.hours_without_a_check
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"

  alarm_actions = local.alarm_topic_arns
  ok_actions    = local.alarm_topic_arns
}

# Only failed checks count: a refused plan is a regular result, which Terraform shows.
resource "aws_cloudwatch_metric_alarm" "verify_failed" {
  alarm_name        = "${local.context.name}-access-verify-failed"
  alarm_description = "The function ${module.planner.name} could not compare the access of database ${var.database.name} with what is declared. Its log says why. See docs/runbook.md#alarm-access-verify-failed"

  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = module.planner.name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"

  alarm_actions = local.alarm_topic_arns
  ok_actions    = local.alarm_topic_arns
}
