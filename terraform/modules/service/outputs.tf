output "cluster_name" {
  description = "Name of the ECS cluster."
  value       = aws_ecs_cluster.this.name
}

output "service_name" {
  description = "Name of the ECS service."
  value       = aws_ecs_service.this.name
}

output "task_definition_arn" {
  description = "Task definition that the service runs."
  value       = aws_ecs_task_definition.this.arn
}

output "alarm_arns" {
  description = "Alarms on the tasks' answers."
  value       = [aws_cloudwatch_metric_alarm.target_errors.arn]
}
