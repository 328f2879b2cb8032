# Manage the access to an RDS instance that another configuration created. RDS must manage its master password.

data "aws_db_instance" "this" {
  db_instance_identifier = var.database_identifier
}

locals {
  master_secret = one(data.aws_db_instance.this.master_user_secret)
}

module "database_access" {
  source = "../../modules/database_access"

  context = { name = var.name, kms_key_arn = var.kms_key_arn, is_temporary = var.is_temporary }
  database = {
    address                   = data.aws_db_instance.this.address
    port                      = data.aws_db_instance.this.port
    name                      = var.access.database
    resource_id               = data.aws_db_instance.this.resource_id
    master_secret_arn         = local.master_secret.secret_arn
    master_secret_kms_key_arn = local.master_secret.kms_key_id
  }
  access                = var.access
  preview_access        = var.preview_access
  package_file          = var.package_file
  subnet_ids            = var.subnet_ids
  security_group_id     = var.security_group_id
  dead_letter_topic_arn = var.alarm_topic_arn
  alarm_topic_arns      = [var.alarm_topic_arn]
}
