# network, edge -> database -> database_access (secrets, functions, invocation) -> service.
# The service depends on the secrets' ARNs, which database_access outputs only once the secrets contain credentials.

locals {
  name         = "${var.project_name}-${var.environment}"
  service_port = 8000

  # Shared by all modules.
  context = {
    name                     = local.name
    kms_key_arn              = aws_kms_key.environment.arn
    log_retention_days       = var.log_retention_days
    permissions_boundary_arn = local.permissions_boundary_arn
    is_temporary             = var.is_temporary
  }

  tasks_have_public_addresses = var.network_egress == "public_addresses"

  is_by_token = var.database_auth == "iam"
  iam_login = {
    user        = module.database_access.login_names[local.service_login]
    address     = module.database.address
    port        = module.database.port
    database    = module.database.database_name
    resource_id = module.database.resource_id
  }
}

module "network" {
  source = "../modules/network"

  context                 = local.context
  cidr_block              = var.vpc_cidr
  availability_zone_count = var.availability_zone_count
  excluded_zone_ids       = var.excluded_zone_ids
  service_port            = local.service_port
  egress                  = var.network_egress
  client_cidr_blocks      = var.client_cidr_blocks
  exec_is_allowed         = var.service_exec_is_allowed
  psql_is_allowed         = var.psql_is_allowed
}

module "edge" {
  source = "../modules/edge"

  context                         = local.context
  vpc_id                          = module.network.vpc_id
  public_subnet_ids               = module.network.public_subnet_ids
  security_group_id               = module.network.security_group_ids["load_balancer"]
  service_port                    = local.service_port
  domain_name                     = var.domain_name
  dns_zone_name                   = var.dns_zone_name
  certificate_arn                 = var.certificate_arn
  requests_per_five_minutes_limit = var.requests_per_five_minutes_limit
  access_log_bucket_name          = local.access_log_bucket_name
}

module "database" {
  source = "../modules/database"

  context                     = local.context
  subnet_ids                  = module.network.database_subnet_ids
  security_group_id           = module.network.security_group_ids["database"]
  database_name               = var.access.database
  instance_class              = var.database_instance_class
  max_connections             = var.database_max_connections
  allocated_gigabytes         = var.database_allocated_gigabytes
  is_multi_az                 = var.database_is_multi_az
  backup_retention_days       = var.database_backup_retention_days
  master_rotation             = var.master_rotation
  certificate_authority       = var.database_certificate_authority
  monitoring_interval_seconds = var.database_monitoring_interval_seconds
  restore                     = var.database_restore
  former_instances            = var.database_former_instances
}

module "database_access" {
  source = "../modules/database_access"

  context = local.context
  kms_key = { arn = aws_kms_key.environment.arn }
  database = {
    address           = module.database.address
    port              = module.database.port
    name              = module.database.database_name
    resource_id       = module.database.resource_id
    master_secret_arn = module.database.master_secret_arn
  }
  access                           = var.access
  preview_access                   = var.preview_access
  drift_check_interval_hours       = var.drift_check_interval_hours
  alarm_topic_arns                 = module.observability.topic_arns
  dead_letter_topic                = { arn = module.observability.topic_arn }
  rotation                         = var.login_rotation
  master_overdue_after_days        = coalesce(var.master_rotation.overdue_after_days, try(var.master_rotation.days + 2, null))
  package_file                     = var.database_bootstrap_package
  subnet_ids                       = module.network.private_subnet_ids
  security_group                   = { id = module.network.caller_security_group_ids["database_access"] }
  rotation_watch_security_group_id = module.network.caller_security_group_ids["rotation_watch"]
}

module "service" {
  source = "../modules/service"

  context                      = local.context
  image                        = var.image
  task_count                   = var.service_task_count
  requests_per_task_and_minute = var.service_requests_per_task_and_minute
  schedules                    = var.service_schedules
  spot_percent                 = var.service_spot_percent
  container_insights           = var.is_monitored_minimally ? "disabled" : "enhanced"
  exec_is_allowed              = var.service_exec_is_allowed
  cpu_units                    = var.service_cpu_units
  memory_mebibytes             = var.service_memory_mebibytes
  worker_count                 = local.service_workers
  cpu_architecture             = var.cpu_architecture
  service_port                 = local.service_port
  service_secret_arn           = local.is_by_token ? null : module.database_access.login_secret_arns[local.service_login]
  database_resource_id         = module.database.resource_id
  iam_login                    = local.is_by_token ? local.iam_login : null
  migrator_secret_arn          = module.database_access.login_secret_arns[local.migrator_login]
  target_group_arn             = module.edge.target_group_arn
  target_group_arn_suffix      = module.edge.target_group_arn_suffix
  load_balancer_arn_suffix     = module.edge.load_balancer_arn_suffix
  alarm_topic_arns             = module.observability.topic_arns
  private_subnet_ids           = module.network.private_subnet_ids
  has_public_address           = local.tasks_have_public_addresses
  service_security_group_id    = module.network.caller_security_group_ids["service"]
  write_token_secret_arn       = one(module.write_token[*].secret_arn)
  seeding_is_allowed           = var.seeding_is_allowed
}

# Sessions of people in the database.
module "psql" {
  source = "../modules/psql"
  count  = var.psql_is_allowed ? 1 : 0

  context            = local.context
  image              = var.image
  cpu_architecture   = var.cpu_architecture
  subnet_ids         = module.network.private_subnet_ids
  security_group_id  = module.network.security_group_ids["psql"]
  has_public_address = local.tasks_have_public_addresses
  logins             = [for name, login in var.access.logins : name if login.credential == "iam"]
  database = {
    address     = module.database.address
    port        = module.database.port
    name        = module.database.database_name
    resource_id = module.database.resource_id
  }
}

module "write_token" {
  source = "../modules/write_token"
  count  = var.writes_need_token ? 1 : 0

  context = local.context
}

# The other modules publish to its topics, and it watches their resources.
module "observability" {
  source = "../modules/observability"

  context            = local.context
  environment        = var.environment
  emails             = var.alarm_emails
  other_topic_arns   = var.alarm_topic_arns
  is_minimal         = var.is_monitored_minimally
  monthly_budget_usd = var.monthly_budget_usd

  load_balancer_arn_suffix = module.edge.load_balancer_arn_suffix
  target_group_arn_suffix  = module.edge.target_group_arn_suffix
  firewall_name            = module.edge.firewall_name
  slo                      = var.slo
  cluster_name             = module.service.cluster_name
  service_name             = module.service.service_name
  functions                = module.database_access.functions
  other_alarm_arns         = concat(module.database_access.alarm_arns, module.service.alarm_arns)

  database        = { identifier = module.database.identifier, allocated_gigabytes = var.database_allocated_gigabytes }
  database_limits = var.database_limits
}
