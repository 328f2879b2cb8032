output "identifier" {
  description = "Name of the instance in RDS, by which its metrics are named."
  value       = aws_db_instance.this[local.active].identifier
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
  description = "RDS resource id of the instance; a new one if the instance is replaced."
  value       = aws_db_instance.this[local.active].resource_id
}

output "master_secret_arn" {
  description = "Secret in which RDS keeps the master's user name and password."
  value       = aws_db_instance.this[local.active].master_user_secret[0].secret_arn
}
