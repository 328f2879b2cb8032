output "identifier" {
  description = "Name of the instance in RDS."
  value       = aws_db_instance.this[local.active].identifier
}

output "arn" {
  description = "ARN of the instance."
  value       = aws_db_instance.this[local.active].arn
}

output "address" {
  description = "Host name of the database."
  value       = aws_db_instance.this[local.active].address
}

output "port" {
  description = "TCP port of the database."
  value       = aws_db_instance.this[local.active].port
}

output "database_name" {
  description = "Name of the database inside the instance."
  value       = var.database_name
}

output "resource_id" {
  description = "RDS resource ID; a new one if the instance is replaced."
  value       = aws_db_instance.this[local.active].resource_id
}

output "master_secret_arn" {
  description = "Secret of the master's credential."
  value       = aws_db_instance.this[local.active].master_user_secret[0].secret_arn
}
