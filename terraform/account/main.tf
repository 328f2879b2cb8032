data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  place      = "${var.region}:${local.account_id}"
  # Prefix of every name in an environment.
  own = { for name in var.deploy_environments : name => "${var.project_name}-${name}" }
}
