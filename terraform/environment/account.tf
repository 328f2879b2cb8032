# Resources of terraform/account that an environment uses, found by name.
locals {
  access_log_bucket_name   = "${var.project_name}-access-logs-${local.account_id}"
  permissions_boundary_arn = "arn:${local.partition}:iam::${local.account_id}:policy/${local.name}-boundary"
}
