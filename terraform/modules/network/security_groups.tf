# All security groups; flows.tf has their rules. They are here and not in the modules that use
# them: a flow names two of them, and modules that named each other's would depend in a circle.

locals {
  group_descriptions = merge(
    {
      load_balancer   = "Load balancer of the service"
      service         = "Tasks of the service"
      database        = "Database"
      database_access = "Functions that manage the roles and logins of the database"
      rotation_watch  = "Function that checks for overdue rotations"
    },
    var.psql_is_allowed ? { psql = "Tasks that forward a port to the database" } : {},
    length(local.actions_by_endpoint) > 0 ? { endpoints = "Interface endpoints of AWS services" } : {},
  )
}

resource "aws_security_group" "this" {
  for_each = local.group_descriptions

  name_prefix = "${var.context.name}-${replace(each.key, "_", "-")}-"
  description = each.value
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.context.name}-${replace(each.key, "_", "-")}" }

  lifecycle { create_before_destroy = true }
}
