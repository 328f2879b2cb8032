# Error responses of the tasks. The alarm notifies people, and during a deployment ECS rolls back on it.
# Missing data does not breach: an alarm that already fires when a deployment starts cannot protect it.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html

resource "aws_cloudwatch_metric_alarm" "target_errors" {
  alarm_name        = "${var.context.name}-target-errors"
  alarm_description = "The tasks answer with 5xx. A deployment under way is rolled back. See docs/runbook.md#alarm-target-errors"

  namespace           = "AWS/ApplicationELB"
  metric_name         = "HTTPCode_Target_5XX_Count"
  dimensions          = { LoadBalancer = var.load_balancer_arn_suffix, TargetGroup = var.target_group_arn_suffix }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 3
  datapoints_to_alarm = 2 # a single bad minute, as when the database fails over, spoils no deployment
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 10
  treat_missing_data  = "notBreaching"

  alarm_actions = var.alarm_topic_arns
  ok_actions    = var.alarm_topic_arns
}
