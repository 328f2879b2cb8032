# The function that makes the database's roles, logins and privileges what is declared.

module "bootstrap" {
  source = "../function"

  context          = local.context
  name             = "${local.context.name}-database-access"
  description      = "Makes roles, logins and privileges of database ${var.database.name} equal to what is declared"
  handler          = "db_bootstrap.lambdas.apply.bootstrap"
  memory_mebibytes = local.memory_mebibytes
  timeout_seconds  = local.timeout_seconds
  permissions      = jsonencode({ Version = "2012-10-17", Statement = concat(local.read_secrets, local.write_secrets["ManageLoginSecrets"]) })
  network          = local.database_network
  environment      = local.access_environment

  package_file          = local.package_file
  dead_letter_topic_arn = local.dead_letter_topic_arn
}
