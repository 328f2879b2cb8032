# Allowed connections: one pair of rules for each, named from both ends. Everything else is denied.
# Security groups are stateful, so responses need no rule.

locals {
  http_port       = 80
  https_port      = 443
  postgresql_port = 5432
  internet        = "0.0.0.0/0"
}

resource "aws_vpc_security_group_ingress_rule" "load_balancer_from_clients_http" {
  # checkov:skip=CKV_AWS_260:People type a name without https; port 80 answers them with a redirect, and client_cidr_blocks closes it to all but some
  for_each = var.client_cidr_blocks

  security_group_id = aws_security_group.this["load_balancer"].id
  description       = "Clients to load balancer: HTTP"
  cidr_ipv4         = each.key
  ip_protocol       = "tcp"
  from_port         = local.http_port
  to_port           = local.http_port
}

resource "aws_vpc_security_group_ingress_rule" "load_balancer_from_clients_https" {
  for_each = var.client_cidr_blocks

  security_group_id = aws_security_group.this["load_balancer"].id
  description       = "Clients to load balancer: HTTPS"
  cidr_ipv4         = each.key
  ip_protocol       = "tcp"
  from_port         = local.https_port
  to_port           = local.https_port
}

resource "aws_vpc_security_group_egress_rule" "load_balancer_to_service" {
  security_group_id            = aws_security_group.this["load_balancer"].id
  referenced_security_group_id = aws_security_group.this["service"].id
  description                  = "Load balancer to service: requests"
  ip_protocol                  = "tcp"
  from_port                    = var.service_port
  to_port                      = var.service_port
}

resource "aws_vpc_security_group_ingress_rule" "service_from_load_balancer" {
  security_group_id            = aws_security_group.this["service"].id
  referenced_security_group_id = aws_security_group.this["load_balancer"].id
  description                  = "Load balancer to service: requests"
  ip_protocol                  = "tcp"
  from_port                    = var.service_port
  to_port                      = var.service_port
}

resource "aws_vpc_security_group_egress_rule" "service_to_database" {
  security_group_id            = aws_security_group.this["service"].id
  referenced_security_group_id = aws_security_group.this["database"].id
  description                  = "Service to database: queries"
  ip_protocol                  = "tcp"
  from_port                    = local.postgresql_port
  to_port                      = local.postgresql_port
}

resource "aws_vpc_security_group_ingress_rule" "database_from_service" {
  security_group_id            = aws_security_group.this["database"].id
  referenced_security_group_id = aws_security_group.this["service"].id
  description                  = "Service to database: queries"
  ip_protocol                  = "tcp"
  from_port                    = local.postgresql_port
  to_port                      = local.postgresql_port
}

resource "aws_vpc_security_group_egress_rule" "database_access_to_database" {
  security_group_id            = aws_security_group.this["database_access"].id
  referenced_security_group_id = aws_security_group.this["database"].id
  description                  = "Database access functions to database: roles and privileges"
  ip_protocol                  = "tcp"
  from_port                    = local.postgresql_port
  to_port                      = local.postgresql_port
}

resource "aws_vpc_security_group_ingress_rule" "database_from_database_access" {
  security_group_id            = aws_security_group.this["database"].id
  referenced_security_group_id = aws_security_group.this["database_access"].id
  description                  = "Database access functions to database: roles and privileges"
  ip_protocol                  = "tcp"
  from_port                    = local.postgresql_port
  to_port                      = local.postgresql_port
}

resource "aws_vpc_security_group_egress_rule" "service_to_endpoints" {
  count = local.has_endpoints ? 1 : 0

  security_group_id            = aws_security_group.this["service"].id
  referenced_security_group_id = aws_security_group.this["endpoints"].id
  description                  = "Service to endpoints: image, logs and secrets"
  ip_protocol                  = "tcp"
  from_port                    = local.https_port
  to_port                      = local.https_port
}

resource "aws_vpc_security_group_ingress_rule" "endpoints_from_service" {
  count = local.has_endpoints ? 1 : 0

  security_group_id            = aws_security_group.this["endpoints"].id
  referenced_security_group_id = aws_security_group.this["service"].id
  description                  = "Service to endpoints: image, logs and secrets"
  ip_protocol                  = "tcp"
  from_port                    = local.https_port
  to_port                      = local.https_port
}

resource "aws_vpc_security_group_egress_rule" "database_access_to_endpoints" {
  count = local.has_endpoints ? 1 : 0

  security_group_id            = aws_security_group.this["database_access"].id
  referenced_security_group_id = aws_security_group.this["endpoints"].id
  description                  = "Database access functions to endpoints: secrets"
  ip_protocol                  = "tcp"
  from_port                    = local.https_port
  to_port                      = local.https_port
}

resource "aws_vpc_security_group_ingress_rule" "endpoints_from_database_access" {
  count = local.has_endpoints ? 1 : 0

  security_group_id            = aws_security_group.this["endpoints"].id
  referenced_security_group_id = aws_security_group.this["database_access"].id
  description                  = "Database access functions to endpoints: secrets"
  ip_protocol                  = "tcp"
  from_port                    = local.https_port
  to_port                      = local.https_port
}

resource "aws_vpc_security_group_egress_rule" "rotation_watch_to_endpoints" {
  count = local.has_endpoints ? 1 : 0

  security_group_id            = aws_security_group.this["rotation_watch"].id
  referenced_security_group_id = aws_security_group.this["endpoints"].id
  description                  = "Rotation watch to endpoints: secrets"
  ip_protocol                  = "tcp"
  from_port                    = local.https_port
  to_port                      = local.https_port
}

resource "aws_vpc_security_group_ingress_rule" "endpoints_from_rotation_watch" {
  count = local.has_endpoints ? 1 : 0

  security_group_id            = aws_security_group.this["endpoints"].id
  referenced_security_group_id = aws_security_group.this["rotation_watch"].id
  description                  = "Rotation watch to endpoints: secrets"
  ip_protocol                  = "tcp"
  from_port                    = local.https_port
  to_port                      = local.https_port
}

resource "aws_vpc_security_group_egress_rule" "service_to_s3" {
  security_group_id = aws_security_group.this["service"].id
  prefix_list_id    = aws_vpc_endpoint.s3.prefix_list_id
  description       = "Service to S3: layers of the image"
  ip_protocol       = "tcp"
  from_port         = local.https_port
  to_port           = local.https_port
}

# Without endpoints, AWS's services are reached at their public addresses, which no rule can name: HTTPS and nothing else.
resource "aws_vpc_security_group_egress_rule" "service_to_internet" {
  count = local.has_endpoints ? 0 : 1

  security_group_id = aws_security_group.this["service"].id
  description       = "Service to internet: image, logs and secrets"
  cidr_ipv4         = local.internet
  ip_protocol       = "tcp"
  from_port         = local.https_port
  to_port           = local.https_port
}

resource "aws_vpc_security_group_egress_rule" "database_access_to_internet" {
  count = local.has_endpoints ? 0 : 1

  security_group_id = aws_security_group.this["database_access"].id
  description       = "Database access functions to internet: secrets"
  cidr_ipv4         = local.internet
  ip_protocol       = "tcp"
  from_port         = local.https_port
  to_port           = local.https_port
}

resource "aws_vpc_security_group_egress_rule" "rotation_watch_to_internet" {
  count = local.has_endpoints ? 0 : 1

  security_group_id = aws_security_group.this["rotation_watch"].id
  description       = "Rotation watch to internet: secrets"
  cidr_ipv4         = local.internet
  ip_protocol       = "tcp"
  from_port         = local.https_port
  to_port           = local.https_port
}
