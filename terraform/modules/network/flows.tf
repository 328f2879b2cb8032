# Allowed connections; everything else is denied. Security groups are stateful, so responses need no rule.

locals {
  http_port       = 80
  https_port      = 443
  postgresql_port = 5432
  internet        = "0.0.0.0/0"

  # What each group calls in AWS. With private DNS, an endpoint answers everything in the VPC, tasks with a public address included.
  aws_clients = merge(local.tasks, {
    database_access = "secrets"
    rotation_watch  = "secrets"
  })
  tasks = merge(
    { service = "image, logs and secrets" },
    var.psql_is_allowed ? { psql = "image and sessions" } : {},
  )
  endpoint_clients = length(local.actions_by_endpoint) > 0 ? local.aws_clients : {}
  internet_clients = {
    endpoints            = {}
    public_addresses     = local.tasks
    nat_gateway          = local.aws_clients
    nat_gateway_per_zone = local.aws_clients
  }[var.egress]

  # Between two groups: a rule at each end.
  flows = merge(
    {
      load_balancer_to_service    = { client = "load_balancer", server = "service", port = var.service_port, what = "requests" }
      service_to_database         = { client = "service", server = "database", port = local.postgresql_port, what = "queries" }
      database_access_to_database = { client = "database_access", server = "database", port = local.postgresql_port, what = "roles and privileges" }
    },
    var.psql_is_allowed ? { psql_to_database = { client = "psql", server = "database", port = local.postgresql_port, what = "sessions of people" } } : {},
    { for group, what in local.endpoint_clients : "${group}_to_endpoints" => { client = group, server = "endpoints", port = local.https_port, what = what } },
  )
}

resource "aws_vpc_security_group_egress_rule" "between_groups" {
  for_each = local.flows

  security_group_id            = aws_security_group.this[each.value.client].id
  referenced_security_group_id = aws_security_group.this[each.value.server].id
  description                  = "${each.key}: ${each.value.what}"
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_ingress_rule" "between_groups" {
  for_each = local.flows

  security_group_id            = aws_security_group.this[each.value.server].id
  referenced_security_group_id = aws_security_group.this[each.value.client].id
  description                  = "${each.key}: ${each.value.what}"
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

# The only rules that admit addresses outside the VPC. Port 80 redirects to HTTPS where there is a certificate.
resource "aws_vpc_security_group_ingress_rule" "load_balancer_from_clients" {
  for_each = { for pair in setproduct(var.client_cidr_blocks, [local.http_port, local.https_port]) : "${pair[0]} ${pair[1]}" => { range = pair[0], port = pair[1] } }

  security_group_id = aws_security_group.this["load_balancer"].id
  description       = "Clients to load balancer: requests"
  cidr_ipv4         = each.value.range
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "to_s3" {
  for_each = local.tasks

  security_group_id = aws_security_group.this[each.key].id
  prefix_list_id    = aws_vpc_endpoint.s3.prefix_list_id
  description       = "${each.key} to S3: layers of the image"
  ip_protocol       = "tcp"
  from_port         = local.https_port
  to_port           = local.https_port
}

# AWS's services at their public addresses, which no rule can name: HTTPS to any address.
resource "aws_vpc_security_group_egress_rule" "to_internet" {
  for_each = local.internet_clients

  security_group_id = aws_security_group.this[each.key].id
  description       = "${each.key} to internet: ${each.value}"
  cidr_ipv4         = local.internet
  ip_protocol       = "tcp"
  from_port         = local.https_port
  to_port           = local.https_port
}
