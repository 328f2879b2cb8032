data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  place      = "${var.region}:${local.account_id}"
  # Prefix of every name in an environment.
  own = { for name in var.deploy_environments : name => "${var.project_name}-${name}" }

  own_roles   = { for name, own in local.own : name => ["arn:${local.partition}:iam::${local.account_id}:role/${own}-*"] }
  own_secrets = { for name, own in local.own : name => ["arn:${local.partition}:secretsmanager:${local.place}:secret:${own}/*", local.master_secrets] }
  own_log_groups = { for name, own in local.own : name => [
    for group in ["/aws/lambda/${own}-*", "/aws/rds/instance/${own}/*", "/ecs/${own}*", "/vpc/${own}", "aws-waf-logs-${own}"] :
    "arn:${local.partition}:logs:${local.place}:log-group:${group}"
  ] }
  # RDS names a master secret after a generated id.
  master_secrets = "arn:${local.partition}:secretsmanager:${local.place}:secret:rds!db-*"
}
