# How the tiers reach AWS, chosen by one variable.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                    = "taproom-prod"
  cidr_block              = "10.20.0.0/16"
  availability_zone_count = 3
  service_port            = 8000
  kms_key_arn             = "arn:aws:kms:us-east-1:123456789012:key/mocked"
}

run "by_endpoints_nothing_but_aws_is_reached" {
  command = plan

  module {
    source = "../modules/network"
  }

  assert {
    condition     = toset(keys(aws_vpc_endpoint.interface)) == toset(["ecr.api", "ecr.dkr", "logs", "secretsmanager"])
    error_message = "There are endpoints for ${join(", ", keys(aws_vpc_endpoint.interface))}."
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(aws_route.private_to_internet) == 0 && length(aws_vpc_security_group_egress_rule.service_to_internet) == 0
    error_message = "There must be no way to the internet."
  }
}

run "one_nat_gateway_serves_all_zones" {
  command = plan

  module {
    source = "../modules/network"
  }

  variables {
    egress = "nat_gateway"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_route.private_to_internet) == 3
    error_message = "Three zones must share one gateway."
  }

  assert {
    condition     = length(aws_vpc_endpoint.interface) == 0 && !contains(keys(aws_security_group.this), "endpoints")
    error_message = "Endpoints would be paid for beside the gateway."
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_egress_rule.service_to_internet : rule.from_port == 443 && rule.to_port == 443])
    error_message = "HTTPS is all that goes out."
  }
}

run "a_nat_gateway_a_zone_does_not_fail_with_another_zone" {
  command = plan

  module {
    source = "../modules/network"
  }

  variables {
    egress = "nat_gateway_per_zone"
  }

  assert {
    condition     = toset(keys(aws_nat_gateway.this)) == toset(keys(aws_route.private_to_internet))
    error_message = "Each zone must have a gateway of its own."
  }
}

run "the_service_can_be_kept_to_some_addresses" {
  command = plan

  module {
    source = "../modules/network"
  }

  variables {
    client_cidr_blocks = ["203.0.113.7/32"]
  }

  assert {
    condition     = [for rule in aws_vpc_security_group_ingress_rule.load_balancer_from_clients_http : rule.cidr_ipv4] == ["203.0.113.7/32"]
    error_message = "Only the named range may come in."
  }
}

run "another_way_out_is_refused" {
  command = plan

  module {
    source = "../modules/network"
  }

  variables {
    egress             = "internet_gateway"
    client_cidr_blocks = ["everybody"]
  }

  expect_failures = [var.egress, var.client_cidr_blocks]
}
