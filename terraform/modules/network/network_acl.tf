# A second wall around the database, in case a security group is ever opened by mistake: its subnets exchange packets with
# the private subnets only, and only those of PostgreSQL. The other tiers are left to their security groups.
resource "aws_network_acl" "database" {
  vpc_id     = aws_vpc.this.id
  subnet_ids = [for subnet in aws_subnet.database : subnet.id]

  ingress {
    rule_no    = 100
    action     = "allow"
    protocol   = "tcp"
    cidr_block = local.private_tier_cidr_block
    from_port  = local.postgresql_port
    to_port    = local.postgresql_port
  }

  # An ACL is stateless: responses go to the client's ephemeral port.
  egress {
    rule_no    = 100
    action     = "allow"
    protocol   = "tcp"
    cidr_block = local.private_tier_cidr_block
    from_port  = 1024
    to_port    = 65535
  }

  tags = { Name = "${var.context.name}-database" }
}
