output "service_url" {
  description = "URL of the service. With a certificate of yours, use its domain instead."
  value       = module.edge.url
}

output "client_cidr_blocks" {
  description = "IPv4 ranges that can reach the service; an apply that sets none keeps them."
  value       = var.client_cidr_blocks
}

output "load_balancer_dns_name" {
  description = "Host name of the load balancer, for the domain's DNS record."
  value       = module.edge.load_balancer_dns_name
}

output "target_group_arn" {
  description = "Target group of the service's tasks."
  value       = module.edge.target_group_arn
}

output "database_endpoint" {
  description = "Host name and TCP port of the database, inside the network."
  value       = "${module.database.address}:${module.database.port}"
}

output "commit" {
  description = "Commit that was applied last; an older one is refused, and a rollback keeps it."
  value       = var.commit
}

output "planner_function_name" {
  description = "Function that plans the database's access."
  value       = module.database_access.planner_function_name
}

output "rotation_function_name" {
  description = "Function that rotates the logins' credentials."
  value       = module.database_access.rotation_function_name
}

output "access_plan" {
  description = "SQL of the next apply, or else of the last one, after its digest."
  value       = module.database_access.access_plan
}

output "access_summary" {
  description = "Gains and losses of each login by `access_plan`, losses first."
  value       = module.database_access.access_summary
}

output "access_report" {
  description = "Report of the function's last invocation; it contains no password."
  value       = module.database_access.access_report
}

output "login_secret_arns" {
  description = "Secret of each login with a password, by the login's name."
  value       = module.database_access.login_secret_arns
}

output "cluster_name" {
  description = "Name of the ECS cluster."
  value       = module.service.cluster_name
}

output "service_name" {
  description = "Name of the ECS service."
  value       = module.service.service_name
}

output "task_definition_arn" {
  description = "Task definition that the service runs."
  value       = module.service.task_definition_arn
}

output "dashboard_name" {
  description = "Dashboard in CloudWatch; null without one."
  value       = module.observability.dashboard_name
}

output "alarm_topic_arns" {
  description = "SNS topics that alarms notify."
  value       = module.observability.topic_arns
}

output "write_token_secret_arn" {
  description = "Secret with the write token; null where writes need none."
  value       = one(module.write_token[*].secret_arn)
}

output "psql_policies" {
  description = "IAM policy for the users of each login of `make psql`, by the login's name."
  value       = try(module.psql[0].policies, {})
}
