data "aws_caller_identity" "current" {}
data "aws_region" "current" {}
data "aws_partition" "current" {}

locals {
  # What is called through each endpoint: ecr.api and ecr.dkr to pull the image, logs for what tasks print,
  # secretsmanager for credentials; ssmmessages for shells and forwarded ports, where they are allowed. Tasks with a public
  # address need none; functions cannot have one, and call Secrets Manager only.
  all_actions_by_endpoint = merge(
    {
      "ecr.api"        = ["ecr:*"]
      "ecr.dkr"        = ["ecr:*"]
      "logs"           = ["logs:*"]
      "secretsmanager" = ["secretsmanager:*"]
    },
    { for allowed in [var.exec_is_allowed || var.psql_is_allowed] : "ssmmessages" => ["ssmmessages:*"] if allowed },
  )
  actions_by_endpoint = {
    endpoints            = local.all_actions_by_endpoint
    public_addresses     = { for service in ["secretsmanager"] : service => local.all_actions_by_endpoint[service] }
    nat_gateway          = {}
    nat_gateway_per_zone = {}
  }[var.egress]

  # An endpoint is paid for by the zone, and reached from all of them.
  endpoint_zones = var.egress == "public_addresses" ? slice(local.zones, 0, 1) : local.zones
}

# Without it, a stolen credential of another account could carry data out through our endpoints.
data "aws_iam_policy_document" "own_account_only" {
  for_each = local.actions_by_endpoint

  statement {
    sid       = "OwnAccountOnly"
    actions   = each.value
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_vpc_endpoint" "interface" {
  for_each = local.actions_by_endpoint

  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${data.aws_region.current.id}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [for zone in local.endpoint_zones : aws_subnet.private[zone].id]
  security_group_ids  = [aws_security_group.this["endpoints"].id]
  policy              = data.aws_iam_policy_document.own_account_only[each.key].json

  tags = { Name = "${var.context.name}-${each.key}" }
}

# ECR returns an image's layers as presigned URLs of one bucket; nothing else is read from S3.
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
data "aws_iam_policy_document" "image_layers_only" {
  statement {
    sid       = "GetImageLayers"
    actions   = ["s3:GetObject"]
    resources = ["arn:${data.aws_partition.current.partition}:s3:::prod-${data.aws_region.current.id}-starport-layer-bucket/*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }
}

# It costs nothing, so layers go this way even where there is a NAT gateway.
resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${data.aws_region.current.id}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [for table in aws_route_table.private : table.id]
  policy            = data.aws_iam_policy_document.image_layers_only.json

  tags = { Name = "${var.context.name}-s3" }
}
