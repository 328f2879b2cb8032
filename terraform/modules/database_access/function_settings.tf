# What the functions that log in to the database have in common.

locals {
  memory_mebibytes = 512
  timeout_seconds  = 180 # up to 90 of them waiting for RDS to finish a rotation of the master's secret

  database_network = { subnet_ids = var.subnet_ids, security_group_id = var.security_group_id }

  database_environment = {
    DATABASE_HOST     = var.database.address
    DATABASE_PORT     = tostring(var.database.port)
    DATABASE_NAME     = var.database.name
    MASTER_SECRET_ARN = var.database.master_secret_arn
  }

  # Of the two that compare the database with what is declared: both print the metric of drift.
  access_environment = merge(local.database_environment, {
    POWERTOOLS_METRICS_NAMESPACE = local.metrics_namespace
    POWERTOOLS_SERVICE_NAME      = local.metrics_service
    POWERTOOLS_LOG_LEVEL         = "INFO"
  })
}
