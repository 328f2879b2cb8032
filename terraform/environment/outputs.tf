output "service_url" {
  description = "Where the service answers. With a certificate of yours, reach it by the certificate's domain instead."
  value       = module.edge.url
}

output "client_cidr_blocks" {
  description = "IPv4 ranges that can reach the service. An apply that sets none keeps them."
  value       = var.client_cidr_blocks
}

output "load_balancer_dns_name" {
  description = "Host name of the load balancer, for the domain's DNS record."
  value       = module.edge.load_balancer_dns_name
}

output "target_group_arn" {
  description = "Target group of the service's tasks; its health tells whether they serve."
  value       = module.edge.target_group_arn
}

output "database_endpoint" {
  description = "Host name and TCP port of the database, reachable from inside the network only."
  value       = "${module.database.address}:${module.database.port}"
}

output "commit" {
  description = "Commit whose configuration was applied last: an older one does not replace it, and a rollback keeps it."
  value       = var.commit
}

output "planner_function_name" {
  description = "Name of the function that plans the database's access. Before a release is planned, only its code is updated."
  value       = module.database_access.planner_function_name
}

output "rotation_function_name" {
  description = "Name of the function that rotates the logins' credentials."
  value       = module.database_access.rotation_function_name
}

output "access_plan" {
  description = "The statements that an apply would run in the database, as SQL with reasons; when there are none, those that the last apply ran. It begins with the digest that an apply must match."
  value       = module.database_access.access_plan
}

output "access_summary" {
  description = "What each login gains and loses by the statements of `access_plan`, as sentences; losses come first."
  value       = module.database_access.access_summary
}

output "access_report" {
  description = "What the function found, changed and left alone in the database when it was last invoked; it holds no password."
  value       = module.database_access.access_report
}

output "login_secret_arns" {
  description = "Secret of each login that has a password, by the login's name."
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
  description = "Revision of the task definition that the service runs."
  value       = module.service.task_definition_arn
}

output "dashboard_name" {
  description = "Name of the dashboard in CloudWatch; null without one."
  value       = module.observability.dashboard_name
}

output "alarm_topic_arns" {
  description = "SNS topics that alarms notify."
  value       = module.observability.topic_arns
}

output "write_token_secret_arn" {
  description = "Secret with the token that changes of the catalogue need, for `aws secretsmanager get-secret-value`; null where they need none."
  value       = one(module.write_token[*].secret_arn)
}

output "psql_policies" {
  description = "IAM policy for the users of each login that `make psql` can open a session as, by the login's name; empty if it cannot."
  value       = try(module.psql[0].policies, {})
}
