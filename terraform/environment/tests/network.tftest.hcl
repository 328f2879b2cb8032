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
    condition     = alltrue([for rule in [aws_vpc_security_group_egress_rule.service_to_endpoints, aws_vpc_security_group_ingress_rule.endpoints_from_service, aws_vpc_security_group_egress_rule.database_access_to_endpoints, aws_vpc_security_group_ingress_rule.endpoints_from_database_access, aws_vpc_security_group_egress_rule.rotation_watch_to_endpoints, aws_vpc_security_group_ingress_rule.endpoints_from_rotation_watch] : length(rule) == 1])
    error_message = "Tasks and functions must be let in at the endpoints."
  }

  assert {
    condition     = alltrue([for made in [aws_nat_gateway.this, aws_eip.nat, aws_route.private_to_internet, aws_vpc_security_group_egress_rule.service_to_internet, aws_vpc_security_group_egress_rule.database_access_to_internet, aws_vpc_security_group_egress_rule.rotation_watch_to_internet] : length(made) == 0])
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
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_eip.nat) == 1 && length(aws_route.private_to_internet) == 3
    error_message = "Three zones must share one gateway."
  }

  assert {
    condition     = alltrue([for made in [aws_vpc_endpoint.interface, aws_vpc_security_group_egress_rule.service_to_endpoints, aws_vpc_security_group_ingress_rule.endpoints_from_service, aws_vpc_security_group_egress_rule.database_access_to_endpoints, aws_vpc_security_group_ingress_rule.endpoints_from_database_access, aws_vpc_security_group_egress_rule.rotation_watch_to_endpoints, aws_vpc_security_group_ingress_rule.endpoints_from_rotation_watch] : length(made) == 0]) && !contains(keys(aws_security_group.this), "endpoints")
    error_message = "Endpoints would be paid for beside the gateway."
  }

  assert {
    condition     = alltrue([for rule in [one(aws_vpc_security_group_egress_rule.service_to_internet), one(aws_vpc_security_group_egress_rule.database_access_to_internet), one(aws_vpc_security_group_egress_rule.rotation_watch_to_internet)] : rule.from_port == 443 && rule.to_port == 443])
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
    condition     = toset(keys(aws_nat_gateway.this)) == toset(["us-east-1a", "us-east-1b", "us-east-1c"]) && keys(aws_nat_gateway.this) == keys(aws_route.private_to_internet)
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
    condition     = alltrue([for rules in [aws_vpc_security_group_ingress_rule.load_balancer_from_clients_http, aws_vpc_security_group_ingress_rule.load_balancer_from_clients_https] : [for rule in rules : rule.cidr_ipv4] == ["203.0.113.7/32"]])
    error_message = "Only the named range may come in."
  }
}

run "a_network_spans_as_many_zones_as_are_asked_for" {
  command = plan

  module {
    source = "../modules/network"
  }

  variables {
    availability_zone_count = 2
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
}

run "shells_in_tasks_have_an_endpoint_where_they_are_allowed" {
  command = plan

  module {
    source = "../modules/network"
  }

  variables {
    exec_is_allowed = true
  }

  assert {
    condition     = contains(keys(aws_vpc_endpoint.interface), "ssmmessages") && contains(keys(data.aws_iam_policy_document.own_account_only), "ssmmessages")
    error_message = "The tasks must reach Systems Manager, for this account alone."
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
    cidr_block         = "fd00::/20"
  }

  expect_failures = [var.egress, var.client_cidr_blocks, var.cidr_block]
}

run "too_little_of_everything_is_refused" {
  command = plan

  module {
    source = "../modules/network"
  }

  variables {
    name                     = "t"
    cidr_block               = "10.20.0.0/23"
    availability_zone_count  = 1
    service_port             = 1023
    client_cidr_blocks       = []
    kms_key_arn              = ""
    permissions_boundary_arn = ""
    log_retention_days       = 2
  }

  expect_failures = [
    var.name,
    var.cidr_block,
    var.availability_zone_count,
    var.service_port,
    var.client_cidr_blocks,
    var.kms_key_arn,
    var.permissions_boundary_arn,
    var.log_retention_days,
  ]
}

run "too_much_of_everything_is_refused" {
  command = plan

  module {
    source = "../modules/network"
  }

  variables {
    name                    = "taproom-under-a-name-that-is-too-long"
    cidr_block              = "10.0.0.0/15"
    availability_zone_count = 4
    service_port            = 65536
    log_retention_days      = 3654
  }

  expect_failures = [
    var.name,
    var.cidr_block,
    var.availability_zone_count,
    var.service_port,
    var.log_retention_days,
  ]
}
