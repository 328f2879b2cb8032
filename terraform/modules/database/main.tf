resource "aws_db_subnet_group" "this" {
  name        = var.context.name
  description = "Subnets without a route out of the VPC"
  subnet_ids  = var.subnet_ids
}

resource "aws_db_instance" "this" {
  for_each = local.instances

  identifier     = each.value
  engine         = "postgres"
  engine_version = contains(local.versioned, each.key) ? local.engine_major_version : null # RDS picks the minor version, and keeps it new
  instance_class = var.instance_class
  db_name        = each.key == "first" ? var.database_name : null # a backup has its own, and its own master

  # Both are for the creation only.
  snapshot_identifier = each.key == local.active ? try(var.restore.snapshot, null) : null

  dynamic "restore_to_point_in_time" {
    for_each = each.key == local.active && try(var.restore.source, null) != null ? [var.restore] : []

    content {
      source_db_instance_identifier = startswith(restore_to_point_in_time.value.source, "db-") ? null : restore_to_point_in_time.value.source
      source_dbi_resource_id        = startswith(restore_to_point_in_time.value.source, "db-") ? restore_to_point_in_time.value.source : null
      restore_time                  = restore_to_point_in_time.value.at
      use_latest_restorable_time    = restore_to_point_in_time.value.at == null ? true : null
    }
  }

  # RDS generates the master password, keeps it in a secret and rotates it every seven days:
  # no person has it, and it is not in the state. The price: RDS then refuses read replicas and blue/green
  # deployments (docs/decisions/2026-11-24-no-replica-and-no-blue-green.md).
  username                      = each.key == "first" ? "dbmaster" : null
  manage_master_user_password   = true
  master_user_secret_kms_key_id = var.context.kms_key_arn

  iam_database_authentication_enabled = true
  ca_cert_identifier                  = var.certificate_authority
  parameter_group_name                = aws_db_parameter_group.this.name
  apply_immediately                   = var.context.is_temporary

  storage_type          = "gp3"
  storage_encrypted     = true
  kms_key_id            = var.context.kms_key_arn
  allocated_storage     = var.allocated_gigabytes
  max_allocated_storage = var.allocated_gigabytes * 5

  # What is included from 400 GB on. Left out, a change to that much would repeat the values of less, which RDS refuses:
  # https://github.com/hashicorp/terraform-provider-aws/issues/28382
  iops               = var.allocated_gigabytes < 400 ? null : 12000
  storage_throughput = var.allocated_gigabytes < 400 ? null : 500

  multi_az               = var.is_multi_az
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [var.security_group_id]
  publicly_accessible    = false

  # Backups with point-in-time recovery: any second of this many days can be restored.
  backup_retention_period   = var.backup_retention_days
  backup_window             = "02:00-03:00"
  copy_tags_to_snapshot     = true
  delete_automated_backups  = var.context.is_temporary
  deletion_protection       = var.context.is_temporary ? false : true
  skip_final_snapshot       = var.context.is_temporary
  final_snapshot_identifier = "${each.value}-final-${formatdate("YYYYMMDDhhmmss", plantimestamp())}"

  maintenance_window          = "sun:03:30-sun:04:30"
  auto_minor_version_upgrade  = true
  allow_major_version_upgrade = false
  # A major version that AWS no longer supports is upgraded rather than paid for by the core and hour.
  engine_lifecycle_support = "open-source-rds-extended-support-disabled"

  enabled_cloudwatch_logs_exports       = local.exported_logs
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = var.context.kms_key_arn
  performance_insights_retention_period = 7 # days, those without a charge
  monitoring_interval                   = var.monitoring_interval_seconds
  monitoring_role_arn                   = one(aws_iam_role.monitoring[*].arn)

  depends_on = [aws_cloudwatch_log_group.exported, aws_iam_role_policy_attachment.monitoring]

  lifecycle {
    # Stamped once, when the database is made: two databases of this name must not want the same snapshot.
    ignore_changes = [final_snapshot_identifier, snapshot_identifier, restore_to_point_in_time]
  }
}

moved {
  from = aws_db_instance.this
  to   = aws_db_instance.this["first"]
}
