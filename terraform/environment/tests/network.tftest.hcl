# How the tiers reach AWS, chosen by one variable.

mock_provider "aws" { source = "./tests/mocks" }

variables {
  context                 = { name = "taproom-prod", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/mocked" }
  cidr_block              = "10.20.0.0/16"
  availability_zone_count = 3
  service_port            = 8000
  client_cidr_blocks      = []
}

run "public_addresses_need_one_endpoint_in_one_zone" {
  command = plan
  module { source = "../modules/network" }
  variables { egress = "public_addresses" }

  assert {
    condition     = keys(aws_vpc_endpoint.interface) == ["secretsmanager"] && length(local.endpoint_zones) == 1 && length(aws_nat_gateway.this) == 0
    error_message = "Only Secrets Manager needs an endpoint: functions have no public address."
  }

  assert {
    condition     = length(aws_route.private_to_internet) == 3 && keys(aws_vpc_security_group_egress_rule.to_internet) == ["service"]
    error_message = "Only tasks can reach the internet."
  }

  assert {
    condition     = contains(keys(aws_vpc_security_group_ingress_rule.between_groups), "service_to_endpoints")
    error_message = "The endpoint's private DNS name answers the tasks too."
  }
}

run "one_nat_gateway_serves_all_zones" {
  command = plan
  module { source = "../modules/network" }
  variables { egress = "nat_gateway" }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_eip.nat) == 1 && length(aws_route.private_to_internet) == 3 && length(aws_vpc_endpoint.interface) == 0 && !contains(keys(aws_security_group.this), "endpoints")
    error_message = "Three zones must share one gateway, without endpoints."
  }

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.to_internet) == 3 && alltrue([for rule in aws_vpc_security_group_egress_rule.to_internet : rule.from_port == 443 && rule.to_port == 443])
    error_message = "Only HTTPS can leave."
  }
}

run "each_zone_can_have_a_nat_gateway" {
  command = plan
  module { source = "../modules/network" }
  variables { egress = "nat_gateway_per_zone" }

  assert {
    condition     = toset(keys(aws_nat_gateway.this)) == toset(["us-east-1a", "us-east-1b", "us-east-1c"]) && keys(aws_nat_gateway.this) == keys(aws_route.private_to_internet)
    error_message = "Each zone must have its gateway."
  }
}

run "client_addresses_zones_and_the_endpoint_for_shells_are_options" {
  command = plan
  module { source = "../modules/network" }

  variables {
    client_cidr_blocks      = ["203.0.113.7/32"]
    availability_zone_count = 2
    exec_is_allowed         = true
  }

  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.load_balancer_from_clients) == ["203.0.113.7/32 443", "203.0.113.7/32 80"]
    error_message = "Only the named range may come in."
  }

  assert {
    condition = alltrue([
      for made in [
        aws_subnet.public, aws_subnet.private, aws_subnet.database,
        aws_route_table_association.public, aws_route_table_association.private, aws_route_table_association.database,
      ] : keys(made) == ["us-east-1a", "us-east-1b"]
    ])
    error_message = "Each tier must have a subnet with its routes in each of two zones."
  }

  assert {
    condition = (
      toset(keys(aws_vpc_endpoint.interface)) == toset(["ecr.api", "ecr.dkr", "logs", "secretsmanager", "ssmmessages"])
      && contains(keys(data.aws_iam_policy_document.own_account_only), "ssmmessages")
    )
    error_message = "There are endpoints for ${join(", ", keys(aws_vpc_endpoint.interface))}; all must be for this account alone."
  }
}
