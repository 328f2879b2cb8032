# The functions' place in the network, and a security group unless one is given.

data "aws_subnet" "first" {
  count = var.security_group == null ? 1 : 0

  id = var.subnet_ids[0]
}

resource "aws_security_group" "functions" {
  count = var.security_group == null ? 1 : 0

  name        = "${local.context.name}-database-access"
  description = "Functions that manage the access to database ${var.database.name}"
  vpc_id      = data.aws_subnet.first[0].vpc_id
}

locals {
  # Read from the rules: without them, functions would time out in the apply that creates them.
  security_group_id = one(distinct(concat(
    var.security_group[*].id,
    values(aws_vpc_security_group_egress_rule.functions)[*].security_group_id,
    aws_vpc_security_group_ingress_rule.database[*].referenced_security_group_id,
  )))

  # Subnets that another account shares belong to that account, and so do their ARNs.
  database_network = {
    subnet_ids        = var.subnet_ids
    security_group_id = local.security_group_id
    owner_id          = one(data.aws_subnet.first[*].owner_id)
  }
}

# trivy:ignore:AWS-0104 Secrets Manager outside an endpoint has no fixed addresses, and a failover changes those of a database without its group.
resource "aws_vpc_security_group_egress_rule" "functions" {
  for_each = {
    for name, port in { https = 443, database = var.database.port } : name => { port = port, group = name == "database" ? var.database_security_group : null }
    if var.security_group == null
  }

  security_group_id            = aws_security_group.functions[0].id
  description                  = each.key == "https" ? "HTTPS to Secrets Manager" : "PostgreSQL of database ${var.database.name}"
  referenced_security_group_id = try(each.value.group.id, null)
  cidr_ipv4                    = each.value.group == null ? "0.0.0.0/0" : null
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  count = var.database_security_group == null ? 0 : 1

  security_group_id            = var.database_security_group.id
  description                  = "Functions that manage the access to database ${var.database.name}"
  referenced_security_group_id = one(concat(var.security_group[*].id, aws_security_group.functions[*].id))
  ip_protocol                  = "tcp"
  from_port                    = var.database.port
  to_port                      = var.database.port
}
