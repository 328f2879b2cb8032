# Errors that the tasks answer with. The alarm tells people, and during a deployment it sends ECS back to the tasks before.
# It stays quiet without data: an alarm that is already going off when a deployment begins guards nothing.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html

variable "load_balancer_arn_suffix" {
  description = "End of the load balancer's ARN, by which its metrics are named."
  type        = string

  validation {
    condition     = startswith(var.load_balancer_arn_suffix, "app/")
    error_message = "Give the end of an application load balancer's ARN, which begins with app/."
  }
}

variable "target_group_arn_suffix" {
  description = "End of the target group's ARN, by which its metrics are named."
  type        = string

  validation {
    condition     = startswith(var.target_group_arn_suffix, "targetgroup/")
    error_message = "Give the end of a target group's ARN, which begins with targetgroup/."
  }
}

variable "alarm_topic_arns" {
  description = "SNS topics that are told when the tasks answer with errors, and when it is over."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.alarm_topic_arns : can(regex("^arn:[a-z-]+:sns:", arn))])
    error_message = "Give ARNs of SNS topics, such as arn:aws:sns:us-east-1:123456789012:on-call."
  }
}

resource "aws_cloudwatch_metric_alarm" "target_errors" {
  alarm_name        = "${var.name}-target-errors"
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
