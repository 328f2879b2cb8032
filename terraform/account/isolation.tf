# The isolation of environments in one account. Names identify most resources, and the tag Environment the others.

locals {
  # No name of an environment has a hyphen, so `taproom-dev-*` does not match a name of the environment dev2.
  own_roles = { for name, own in local.own : name => ["arn:${local.partition}:iam::${local.account_id}:role/${own}-*"] }
  own_log_groups = { for name, own in local.own : name => [
    for group in ["/aws/lambda/${own}-*", "/aws/rds/instance/${own}/*", "/aws/rds/instance/${own}-*", "/ecs/${own}", "/vpc/${own}", "aws-waf-logs-${own}"] :
    "arn:${local.partition}:logs:${local.place}:log-group:${group}"
  ] }

  # RDS names a master secret after a generated id; the tag that RDS sets names its instance. A restored instance has a suffix.
  master_secrets = "arn:${local.partition}:secretsmanager:${local.place}:secret:rds!db-*"
  own_instances  = { for name, own in local.own : name => [for instance in [own, "${own}-*"] : "arn:${local.partition}:rds:${local.place}:db:${instance}"] }

  # Only the resource ID of an instance identifies its database users. Without other environments it is not needed.
  own_database_ids = { for name in var.deploy_environments : name => lookup(var.database_resource_ids, name, length(var.deploy_environments) == 1 ? "*" : null) }

  # The record with which ACM validates a name: an underscore and 32 characters. ACM reuses it for every certificate of the
  # account, so a deployment can request certificates only for its own names.
  own_records = { for name, domains in var.domain_names : name => flatten([for domain in domains : [domain, "_${join("", [for _ in range(32) : "?"])}.${domain}"]]) }

  # In the policies of each deployment role and in each workload boundary: an explicit deny beats every allow, so a resource
  # cannot be retagged first. AWS sends the key for existing resources only, and not for every service.
  deny_other_environments = { for name, own in local.own : name => [
    {
      Sid       = "DenyOtherEnvironments"
      Effect    = "Deny"
      Action    = ["*"]
      Resource  = ["*"]
      Condition = { StringNotEquals = { "aws:ResourceTag/Environment" = name }, Null = { "aws:ResourceTag/Environment" = "false" } }
    },
  ] }
}
