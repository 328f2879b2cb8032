output "access_report" {
  description = "Report of the function's last invocation; it contains no password."
  value       = jsondecode(aws_lambda_invocation.apply.result)
}

output "access_plan" {
  description = "SQL of the next apply, or else of the last one, after its digest."
  value       = local.shown_plan
}

output "access_summary" {
  description = "Gains and losses of each login by `access_plan`, losses first."
  value       = local.shown_summary
}

output "login_secret_arns" {
  description = "Secret of each login with a password, by the login's name. Known once it has a credential."
  value       = { for name, secret in aws_secretsmanager_secret.login : name => secret.arn }

  # Clients need the roles and the credentials.
  depends_on = [aws_lambda_invocation.apply]
}

output "login_names" {
  description = "Each login's name in the database, by its name in the document. Known once the roles exist."
  value       = { for name in keys(try(var.access.logins, {})) : name => name }

  depends_on = [aws_lambda_invocation.apply]
}

output "function_name" {
  description = "Function that applies the access document."
  value       = module.bootstrap.name
}

output "planner_function_name" {
  description = "Function that plans and verifies."
  value       = module.planner.name
}

output "rotation_function_name" {
  description = "Function that rotates the logins' credentials."
  value       = module.rotation.name
}

output "functions" {
  description = "Functions by a short name: name in Lambda, timeout in seconds, and whether their errors have an alarm here."
  value = {
    database-access = { name = module.bootstrap.name, timeout_seconds = module.bootstrap.timeout_seconds, has_error_alarm = false }
    access-plan     = { name = module.planner.name, timeout_seconds = module.planner.timeout_seconds, has_error_alarm = true }
    rotation        = { name = module.rotation.name, timeout_seconds = module.rotation.timeout_seconds, has_error_alarm = true }
    rotation-watch  = { name = module.rotation_watch.name, timeout_seconds = module.rotation_watch.timeout_seconds, has_error_alarm = false }
  }
}

output "alarm_arns" {
  description = "Alarms on drift and on rotations."
  value = concat([
    aws_cloudwatch_metric_alarm.drift.arn,
    aws_cloudwatch_metric_alarm.not_verified.arn,
    aws_cloudwatch_metric_alarm.rotation_errors.arn,
    aws_cloudwatch_metric_alarm.rotation_not_watched.arn,
    aws_cloudwatch_metric_alarm.rotation_overdue.arn,
    aws_cloudwatch_metric_alarm.verify_failed.arn,
  ], aws_cloudwatch_metric_alarm.rotation_failed_unsent[*].arn)
}

output "kms_key_arn" {
  description = "KMS key of secrets, environment variables and logs."
  value       = local.kms_key_arn
}

output "security_group_id" {
  description = "Security group of the functions that log in to the database, which must admit it."
  value       = local.security_group_id
}

output "dead_letter_topic_arn" {
  description = "SNS topic of dead letters, and of alarms if the module created it: subscribe to it."
  value       = local.dead_letter_topic_arn
}
