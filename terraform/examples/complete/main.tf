# Every input: existing key, topic and security groups, and a master that logs in by IAM instead of a password.

provider "aws" {
  region = "us-east-1"
}

module "access" {
  source = "../../modules/database_access"

  context = {
    name                     = "shop-prod"
    log_retention_days       = 365
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/functions"
  }
  database = {
    address         = "shop.abcdefghijkl.us-east-1.rds.amazonaws.com"
    port            = 5433
    name            = "shop"
    resource_id     = "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    master_iam_user = "access_master"
  }
  subnet_ids                       = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  security_group                   = { id = "sg-0123456789abcdef0" }
  rotation_watch_security_group_id = "sg-0123456789abcdef1"
  database_security_group          = { id = "sg-0123456789abcdef2" }

  kms_key           = { arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000" }
  dead_letter_topic = { arn = "arn:aws:sns:us-east-1:123456789012:shop-failures" }
  alarm_topic_arns  = ["arn:aws:sns:us-east-1:123456789012:on-call"]

  preview_access             = true
  drift_check_interval_hours = 3
  rotation                   = { schedule = "cron(0 3 ? * SUN *)", window_hours = 3, overdue_after_days = 9 }

  access = {
    database = "shop"
    unlisted = "report"
    schemas  = { shop = { owner = "shop_owner" } }
    roles = {
      shop_owner  = {}
      shop_reader = { schemas = { shop = "read" } }
    }
    logins = {
      shop_app    = { credential = "rotated", acts_as = "shop_owner" }
      shop_report = { credential = "iam", member_of = ["shop_reader"] }
    }
  }
}
