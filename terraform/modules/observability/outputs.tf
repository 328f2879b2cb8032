output "topic_arn" {
  description = "The environment's own SNS topic of alarms."
  value       = aws_sns_topic.alarms.arn

  depends_on = [aws_sns_topic_policy.alarms]
}

output "topic_arns" {
  description = "SNS topics that are told of alarms: the environment's own, and the others that were given."
  value       = local.topic_arns

  # Whoever is given a topic wants to publish.
  depends_on = [aws_sns_topic_policy.alarms]
}

output "dashboard_name" {
  description = "Name of the dashboard in CloudWatch."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}
