# RDS copies the snapshots and the log of the database into another region, as soon as it has them.

# Without copies it is idle. Resources have an argument `region`, but not before version 6 of the provider.
provider "aws" {
  alias  = "backup_copies"
  region = coalesce(var.database_backup_copy_region, var.region)

  default_tags { tags = local.tags }
}

locals {
  copy_regions = toset(var.database_backup_copy_region[*])
}

resource "aws_kms_key" "backup_copies" {
  for_each = local.copy_regions
  provider = aws.backup_copies

  description             = "Copies of the backups of ${local.name}"
  enable_key_rotation     = true
  deletion_window_in_days = local.key_recovery_days
}

# Its destruction stops the copying. RDS retains the copies; without their key they cannot be restored.
resource "aws_db_instance_automated_backups_replication" "this" {
  for_each = local.copy_regions
  provider = aws.backup_copies

  source_db_instance_arn = module.database.arn
  kms_key_id             = aws_kms_key.backup_copies[each.key].arn
  retention_period       = var.database_backup_retention_days
}

# The provider finds copies in its region only: with another, Terraform would take them for deleted, and RDS would go on
# copying. So the plan fails until they are stopped: docs/runbook.md#the-region-is-lost.
resource "terraform_data" "stop_copies_first" {
  for_each = var.is_temporary ? [] : local.copy_regions

  lifecycle { prevent_destroy = true }
}
