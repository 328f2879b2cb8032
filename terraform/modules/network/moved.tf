# Addresses of 0.1.1. AWS refuses a rule that a group has already, so recreating them would cut connections and fail.

moved {
  from = aws_vpc_security_group_egress_rule.load_balancer_to_service
  to   = aws_vpc_security_group_egress_rule.between_groups["load_balancer_to_service"]
}

moved {
  from = aws_vpc_security_group_ingress_rule.service_from_load_balancer
  to   = aws_vpc_security_group_ingress_rule.between_groups["load_balancer_to_service"]
}

moved {
  from = aws_vpc_security_group_egress_rule.service_to_database
  to   = aws_vpc_security_group_egress_rule.between_groups["service_to_database"]
}

moved {
  from = aws_vpc_security_group_ingress_rule.database_from_service
  to   = aws_vpc_security_group_ingress_rule.between_groups["service_to_database"]
}

moved {
  from = aws_vpc_security_group_egress_rule.database_access_to_database
  to   = aws_vpc_security_group_egress_rule.between_groups["database_access_to_database"]
}

moved {
  from = aws_vpc_security_group_ingress_rule.database_from_database_access
  to   = aws_vpc_security_group_ingress_rule.between_groups["database_access_to_database"]
}

moved {
  from = aws_vpc_security_group_egress_rule.service_to_endpoints[0]
  to   = aws_vpc_security_group_egress_rule.between_groups["service_to_endpoints"]
}

moved {
  from = aws_vpc_security_group_ingress_rule.endpoints_from_service[0]
  to   = aws_vpc_security_group_ingress_rule.between_groups["service_to_endpoints"]
}

moved {
  from = aws_vpc_security_group_egress_rule.service_to_internet[0]
  to   = aws_vpc_security_group_egress_rule.to_internet["service"]
}

moved {
  from = aws_vpc_security_group_egress_rule.database_access_to_endpoints[0]
  to   = aws_vpc_security_group_egress_rule.between_groups["database_access_to_endpoints"]
}

moved {
  from = aws_vpc_security_group_ingress_rule.endpoints_from_database_access[0]
  to   = aws_vpc_security_group_ingress_rule.between_groups["database_access_to_endpoints"]
}

moved {
  from = aws_vpc_security_group_egress_rule.database_access_to_internet[0]
  to   = aws_vpc_security_group_egress_rule.to_internet["database_access"]
}

moved {
  from = aws_vpc_security_group_egress_rule.rotation_watch_to_endpoints[0]
  to   = aws_vpc_security_group_egress_rule.between_groups["rotation_watch_to_endpoints"]
}

moved {
  from = aws_vpc_security_group_ingress_rule.endpoints_from_rotation_watch[0]
  to   = aws_vpc_security_group_ingress_rule.between_groups["rotation_watch_to_endpoints"]
}

moved {
  from = aws_vpc_security_group_egress_rule.rotation_watch_to_internet[0]
  to   = aws_vpc_security_group_egress_rule.to_internet["rotation_watch"]
}

moved {
  from = aws_vpc_security_group_egress_rule.service_to_s3
  to   = aws_vpc_security_group_egress_rule.to_s3["service"]
}

moved {
  from = aws_vpc_security_group_ingress_rule.load_balancer_from_clients_http["0.0.0.0/0"]
  to   = aws_vpc_security_group_ingress_rule.load_balancer_from_clients["0.0.0.0/0 80"]
}

moved {
  from = aws_vpc_security_group_ingress_rule.load_balancer_from_clients_https["0.0.0.0/0"]
  to   = aws_vpc_security_group_ingress_rule.load_balancer_from_clients["0.0.0.0/0 443"]
}
