# What the functions that log in to the database have in common.

locals {
  memory_mebibytes = 512
  timeout_seconds  = 180 # up to 90 of them waiting for RDS to finish a rotation of the master's secret

  database_network = {
    subnet_ids        = var.subnet_ids
    security_group_id = var.security_group_id
  }

  database_environment = {
    DATABASE_HOST     = var.database.address
    DATABASE_PORT     = tostring(var.database.port)
    DATABASE_NAME     = var.database.name
    MASTER_SECRET_ARN = var.database.master_secret_arn
  }
}
