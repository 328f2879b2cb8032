# Manage the access to an RDS instance that another configuration created. RDS must manage its master password.

data "aws_db_instance" "this" {
  db_instance_identifier = var.database_identifier
}

locals {
  master_secret = one(data.aws_db_instance.this.master_user_secret)
}

# Outside this repository: source = "git::https://github.com/OWNER/taproom.git//terraform/modules/database_access?ref=v1.0.0"
module "database_access" {
  source = "../../modules/database_access"

  context      = { name = var.name, is_temporary = var.is_temporary }
  package_file = var.package_file

  database = {
    address                   = data.aws_db_instance.this.address
    port                      = data.aws_db_instance.this.port
    name                      = var.access.database
    resource_id               = data.aws_db_instance.this.resource_id
    master_secret_arn         = local.master_secret.secret_arn
    master_secret_kms_key_arn = local.master_secret.kms_key_id
  }
  database_security_group = { id = data.aws_db_instance.this.vpc_security_groups[0] }
  subnet_ids              = var.subnet_ids
  access                  = var.access
  preview_access          = var.preview_access
}
