# Manage the access to a database of an Aurora cluster, at its writer endpoint, which follows a failover.

provider "aws" {
  region = "us-east-1"
}

data "aws_rds_cluster" "orders" {
  cluster_identifier = "orders"
}

locals {
  master_secret = one(data.aws_rds_cluster.orders.master_user_secret)
}

module "access" {
  source = "../../modules/database_access"

  database = {
    address                   = data.aws_rds_cluster.orders.endpoint
    port                      = data.aws_rds_cluster.orders.port
    name                      = "orders"
    resource_id               = data.aws_rds_cluster.orders.cluster_resource_id
    master_secret_arn         = local.master_secret.secret_arn
    master_secret_kms_key_arn = local.master_secret.kms_key_id
  }
  subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]

  access = {
    database = "orders"
    schemas  = { orders = { owner = "orders_owner" } }
    roles    = { orders_owner = {} }
    logins   = { orders_app = { credential = "rotated", acts_as = "orders_owner" } }
  }
}
