# Three nets, because each has a hole. Secrets Manager's own events name the secret, but come by way of CloudTrail, and so
# only in an account that a trail records. The function's errors are counted in any account, but a function that may not be
# invoked has none. The watch over age misses nothing, and is the last to notice.

resource "aws_cloudwatch_event_rule" "rotation_failed" {
  count = length(local.alarm_topic_arns) > 0 ? 1 : 0

  name        = "${local.rotation_name}-failed"
  description = "A secret of database ${var.database.name} could not be rotated, or its value was changed during its rotation"

  # RotationAbandoned is not a failure of the function: the secret's value was changed during a rotation.
  # https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html
  event_pattern = jsonencode({
    source        = ["aws.secretsmanager"]
    "detail-type" = ["AWS Service Event via CloudTrail"]
    detail = {
      eventSource         = ["secretsmanager.amazonaws.com"]
      eventName           = ["RotationFailed", "RotationAbandoned", "TestRotationFailed"]
      additionalEventData = { SecretId = keys(local.overdue_after_days) }
    }
  })
}

# Counted, not by ARN: the topics may be made by the same apply. Each one's policy must let events.amazonaws.com publish.
resource "aws_cloudwatch_event_target" "rotation_failed" {
  count = length(local.alarm_topic_arns)

  rule      = aws_cloudwatch_event_rule.rotation_failed[0].name
  target_id = "topic-${count.index}"
  arn       = local.alarm_topic_arns[count.index]

  input_transformer {
    input_paths    = { event = "$.detail.eventName", secret = "$.detail.additionalEventData.SecretId", error = "$.detail.errorMessage" }
    input_template = "\"<event> of <secret>. <error> The log of ${local.rotation_name} says why; docs/runbook.md says what to do. The current credential stays valid.\""
  }
}

# A topic whose policy or key refuses EventBridge leaves no other trace.
resource "aws_cloudwatch_metric_alarm" "rotation_failed_unsent" {
  count = length(local.alarm_topic_arns) > 0 ? 1 : 0

  alarm_name        = "${local.rotation_name}-failed-unsent"
  alarm_description = "A failed rotation could not be published: a topic's policy or its key refuses events.amazonaws.com. See docs/runbook.md#alarm-rotation-failed-unsent"

  namespace           = "AWS/Events"
  metric_name         = "FailedInvocations"
  dimensions          = { RuleName = aws_cloudwatch_event_rule.rotation_failed[0].name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"

  alarm_actions = local.alarm_topic_arns
  ok_actions    = local.alarm_topic_arns
}

resource "aws_cloudwatch_metric_alarm" "rotation_errors" {
  alarm_name        = "${local.rotation_name}-errors"
  alarm_description = "A step of a rotation failed in the function ${local.rotation_name}; Secrets Manager tries again, and the current credential stays valid. The function's log says why. See docs/runbook.md#alarm-rotation-errors"

  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = module.rotation.name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"

  alarm_actions = local.alarm_topic_arns
  ok_actions    = local.alarm_topic_arns
}

# A value comes every few hours: between two, the alarm stays as the last one left it.
resource "aws_cloudwatch_metric_alarm" "rotation_overdue" {
  alarm_name        = "${local.rotation_name}-overdue"
  alarm_description = "A secret of database ${var.database.name} was not rotated in time, or its rotation is turned off. The log of ${local.rotation_watch_name} names it. See docs/runbook.md#alarm-rotation-overdue"

  namespace           = local.metrics_namespace
  metric_name         = "OverdueRotations"
  dimensions          = { service = local.rotation_watch_name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "ignore"

  alarm_actions = local.alarm_topic_arns
  ok_actions    = local.alarm_topic_arns
}

# Without this alarm, a check that stopped would look like rotations that are all on time.
resource "aws_cloudwatch_metric_alarm" "rotation_not_watched" {
  alarm_name        = "${local.rotation_name}-not-watched"
  alarm_description = "For ${local.hours_without_a_rotation_watch} hours no check for overdue rotations ran. Check whether the schedule ${aws_scheduler_schedule.rotation_watch.name} runs, and the log of ${local.rotation_watch_name}. See docs/runbook.md#alarm-rotation-not-watched"

  namespace           = local.metrics_namespace
  metric_name         = "OverdueRotations"
  dimensions          = { service = local.rotation_watch_name }
  statistic           = "SampleCount"
  period              = 3600
  evaluation_periods  = local.hours_without_a_rotation_watch
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"

  alarm_actions = local.alarm_topic_arns
  ok_actions    = local.alarm_topic_arns
}
