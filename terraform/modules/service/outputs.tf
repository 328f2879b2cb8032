output "cluster_name" {
  description = "Name of the ECS cluster."
  value       = aws_ecs_cluster.this.name
}

output "service_name" {
  description = "Name of the ECS service."
  value       = aws_ecs_service.this.name
}

output "task_definition_arn" {
  description = "Revision of the task definition that the service runs."
  value       = aws_ecs_task_definition.this.arn
}

output "functions" {
  description = "The function that starts the tasks anew, where there is one, by a short name: its name in Lambda, its timeout in seconds, and that its errors have no alarm here."
  value = { for function in module.redeploy : "redeploy" => {
    name            = function.name
    timeout_seconds = function.timeout_seconds
    has_error_alarm = false
  } }
}

output "alarm_arns" {
  description = "Alarms on the tasks' answers."
  value       = [aws_cloudwatch_metric_alarm.target_errors.arn]
}
