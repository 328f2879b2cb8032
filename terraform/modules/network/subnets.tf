# Local and wavelength zones can hold neither a load balancer nor a database.
data "aws_availability_zones" "regional" {
  state = "available"

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  zones         = slice(data.aws_availability_zones.regional.names, 0, var.availability_zone_count)
  index_by_zone = { for index, zone in local.zones : zone => index }

  # Four tiers of four subnets fit into the range; the fourth tier is left free.
  tiers = { public = 0, private = 4, database = 8 }
}

resource "aws_subnet" "public" {
  for_each = local.index_by_zone

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = cidrsubnet(var.cidr_block, 4, local.tiers.public + each.value)
  map_public_ip_on_launch = false

  tags = { Name = "${var.name}-public-${each.key}" }
}

resource "aws_subnet" "private" {
  for_each = local.index_by_zone

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.cidr_block, 4, local.tiers.private + each.value)

  tags = { Name = "${var.name}-private-${each.key}" }

  # Lambda gives its network interfaces back some 20 minutes after a function has gone.
  timeouts {
    delete = "45m"
  }
}

resource "aws_subnet" "database" {
  for_each = local.index_by_zone

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.cidr_block, 4, local.tiers.database + each.value)

  tags = { Name = "${var.name}-database-${each.key}" }
}
