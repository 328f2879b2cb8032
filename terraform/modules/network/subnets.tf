# Regional zones are named by the region and a letter. Local and wavelength zones, which can hold neither a load balancer nor
# a database, have longer names.
data "aws_availability_zones" "regional" {
  state            = "available"
  exclude_zone_ids = var.excluded_zone_ids

  filter {
    name   = "zone-name"
    values = [for letter in ["a", "b", "c", "d", "e", "f"] : "${data.aws_region.current.id}${letter}"]
  }
}

locals {
  zones         = slice(data.aws_availability_zones.regional.names, 0, var.availability_zone_count)
  index_by_zone = { for index, zone in local.zones : zone => index }

  # Four tiers of four subnets fit into the range; the fourth tier is left free.
  tiers = { public = 0, private = 4, database = 8 }

  # A whole tier, for rules that are about all its subnets.
  private_tier_cidr_block = cidrsubnet(var.cidr_block, 2, 1)
}

resource "aws_subnet" "public" {
  for_each = local.index_by_zone

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = cidrsubnet(var.cidr_block, 4, local.tiers.public + each.value)
  map_public_ip_on_launch = false

  tags = { Name = "${var.context.name}-public-${each.key}" }
}

resource "aws_subnet" "private" {
  for_each = local.index_by_zone

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.cidr_block, 4, local.tiers.private + each.value)

  tags = { Name = "${var.context.name}-private-${each.key}" }
}

resource "aws_subnet" "database" {
  for_each = local.index_by_zone

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.cidr_block, 4, local.tiers.database + each.value)

  tags = { Name = "${var.context.name}-database-${each.key}" }
}
