# Common settings of the functions that log in to the database.

locals {
  memory_mebibytes = 512
  timeout_seconds  = 180 # up to 90 of them waiting for RDS to finish a rotation of the master's secret

  # Names are unique in an account and region: two databases on one server have different ones.
  name    = coalesce(var.context.name, trim(substr("db-${replace(lower(var.database.name), "/[^a-z0-9]+/", "-")}", 0, 31), "-"))
  context = merge(var.context, { name = local.name, kms_key_arn = local.kms_key_arn })

  # The release's archive of this module contains the zip; in a checkout, `make package` builds it.
  released_package = "${path.module}/db_bootstrap.zip"
  package_file     = coalesce(var.package_file, fileexists(local.released_package) ? local.released_package : "${path.module}/../../../build/db_bootstrap.zip")

  master_is_iam = var.database.master_iam_user != null

  database_environment = merge({
    DATABASE_HOST = var.database.address
    DATABASE_PORT = tostring(var.database.port)
    DATABASE_NAME = var.database.name
  }, local.master_is_iam ? { MASTER_IAM_USER = var.database.master_iam_user } : { MASTER_SECRET_ARN = var.database.master_secret_arn })

  # Of the two that compare the database with what is declared: both print the metric of drift.
  access_environment = merge(local.database_environment, {
    POWERTOOLS_METRICS_NAMESPACE = local.metrics_namespace
    POWERTOOLS_SERVICE_NAME      = local.metrics_service
    POWERTOOLS_LOG_LEVEL         = "INFO"
  })
}
