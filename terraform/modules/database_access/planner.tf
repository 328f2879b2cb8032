# The read-only function: Terraform reads its plan, and a schedule invokes it to check for drift. The same package as
# bootstrap's with another handler, in whose path nothing changes a database or writes a secret.

module "planner" {
  source = "../function"

  context          = local.context
  name             = "${local.context.name}-access-plan"
  description      = "Says what would make database ${var.database.name} equal to what is declared, and changes nothing"
  handler          = "db_bootstrap.lambdas.plan.plan"
  memory_mebibytes = local.memory_mebibytes
  timeout_seconds  = local.timeout_seconds
  permissions      = jsonencode({ Version = "2012-10-17", Statement = local.read_secrets })
  network          = local.database_network
  environment      = local.access_environment

  package_file          = local.package_file
  dead_letter_topic_arn = local.dead_letter_topic_arn
}
