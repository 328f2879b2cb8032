# The function that can only look: Terraform reads its plan, and a schedule has it watch for drift. The same package as the
# other one with another handler, in whose path nothing changes a database or writes a secret.

module "planner" {
  source = "../function"

  name             = "${var.name}-access-plan"
  description      = "Says what would make database ${var.database.name} equal to what is declared, and changes nothing"
  handler          = "db_bootstrap.planner.plan"
  memory_mebibytes = local.memory_mebibytes
  timeout_seconds  = local.timeout_seconds
  permissions      = data.aws_iam_policy_document.read_secrets.json
  network          = local.database_network

  environment = merge(local.database_environment, {
    POWERTOOLS_METRICS_NAMESPACE = local.metrics_namespace
    POWERTOOLS_SERVICE_NAME      = local.metrics_service
    POWERTOOLS_LOG_LEVEL         = "INFO"
  })

  package_file             = var.package_file
  dead_letter_topic_arn    = var.dead_letter_topic_arn
  log_retention_days       = var.log_retention_days
  kms_key_arn              = var.kms_key_arn
  permissions_boundary_arn = var.permissions_boundary_arn
}
