output "access_plan" {
  description = "SQL that an apply would run in the database, or else that the last apply ran."
  value       = module.database_access.access_plan
}

output "access_report" {
  description = "Report of the last apply; it contains no password."
  value       = module.database_access.access_report
}

output "login_secret_arns" {
  description = "Secret of each login with a password, by the login's name."
  value       = module.database_access.login_secret_arns
}

output "topic_arn" {
  description = "SNS topic of alarms and failed events; subscribe to it."
  value       = module.database_access.dead_letter_topic_arn
}
