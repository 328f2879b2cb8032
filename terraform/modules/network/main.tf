resource "aws_vpc" "this" {
  cidr_block = var.cidr_block

  # Interface endpoints answer under AWS's own host names only when both are on.
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = var.context.name }
}

# AWS makes this group and lets its members connect to each other and to every address.
# Adopted without a rule it allows nothing, so a resource that forgets its own group is cut off.
resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.context.name}-default-closed" }
}
