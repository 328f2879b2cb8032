# Manage the access to two databases of one server. Roles belong to the server: each is in one document only, or external.

provider "aws" {
  region = "us-east-1"
}

locals {
  server = {
    address           = "shop.abcdefghijkl.us-east-1.rds.amazonaws.com"
    master_secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop-master-AbCdEf"
  }

  documents = {
    orders = {
      schemas = { orders = { owner = "orders_owner" } }
      roles   = { orders_owner = {} }
      logins  = { orders_app = { credential = "rotated", acts_as = "orders_owner" } }
    }
    invoices = {
      schemas = { invoices = { owner = "invoices_owner" } }
      roles   = { invoices_owner = {} }
      logins  = { invoices_app = { credential = "rotated", acts_as = "invoices_owner" } }
    }
  }
}

module "access" {
  source   = "../../modules/database_access"
  for_each = local.documents

  database   = merge(local.server, { name = each.key })
  subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  access     = merge(each.value, { database = each.key })
}
