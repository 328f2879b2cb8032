output "topic_arn" {
  description = "The environment's own SNS topic of alarms."
  value       = aws_sns_topic.alarms.arn

  depends_on = [aws_sns_topic_policy.alarms]
}

output "topic_arns" {
  description = "SNS topics that alarms notify."
  value       = local.topic_arns

  # Modules that get a topic publish to it.
  depends_on = [aws_sns_topic_policy.alarms]
}

output "dashboard_name" {
  description = "Dashboard in CloudWatch; null without one."
  value       = one(aws_cloudwatch_dashboard.this[*].dashboard_name)
}
