# A way out for tasks and functions where endpoints are not enough: one gateway for all zones, which is cheaper, or one a
# zone, which does not fail with another zone.

locals {
  gateway_zones = {
    endpoints            = []
    public_addresses     = []
    nat_gateway          = slice(local.zones, 0, 1)
    nat_gateway_per_zone = local.zones
  }[var.egress]
}

resource "aws_eip" "nat" {
  for_each = toset(local.gateway_zones)

  domain = "vpc"

  tags = { Name = "${var.context.name}-nat-${each.key}" }

  # An address is given to a VPC only once that has a gateway.
  depends_on = [aws_internet_gateway.this]
}

resource "aws_nat_gateway" "this" {
  for_each = toset(local.gateway_zones)

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id

  tags = { Name = "${var.context.name}-${each.key}" }

  depends_on = [aws_route.public_to_internet]
}

resource "aws_route" "private_to_internet" {
  for_each = var.egress == "endpoints" ? {} : local.index_by_zone

  route_table_id         = aws_route_table.private[each.key].id
  destination_cidr_block = local.internet
  gateway_id             = var.egress == "public_addresses" ? aws_internet_gateway.this.id : null
  nat_gateway_id         = length(local.gateway_zones) == 0 ? null : aws_nat_gateway.this[contains(local.gateway_zones, each.key) ? each.key : local.gateway_zones[0]].id
}
