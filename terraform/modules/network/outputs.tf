output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.this.id
}

output "public_subnet_ids" {
  description = "Subnets with a route to the internet, one a zone."
  value       = [for zone in local.zones : aws_subnet.public[zone].id]

  # A load balancer in a subnet without its route is unreachable.
  depends_on = [aws_route.public_to_internet, aws_route_table_association.public]
}

output "private_subnet_ids" {
  description = "Subnets for tasks and functions, one a zone."
  value       = [for zone in local.zones : aws_subnet.private[zone].id]

  depends_on = [aws_route.private_to_internet, aws_route_table_association.private]
}

output "database_subnet_ids" {
  description = "Subnets without a route out of the VPC, one a zone."
  value       = [for zone in local.zones : aws_subnet.database[zone].id]

  depends_on = [aws_network_acl.database, aws_route_table_association.database]
}

output "security_group_ids" {
  description = "Groups of `load_balancer`, `database` and `psql` (null where not allowed)."
  value       = { for name in ["load_balancer", "database", "psql"] : name => try(aws_security_group.this[name].id, null) }
}

output "caller_security_group_ids" {
  description = "Groups of the tasks (`service`) and functions (`database_access`, `rotation_watch`)."
  value       = { for name in ["service", "database_access", "rotation_watch"] : name => aws_security_group.this[name].id }

  # A task that starts before its flows are open can pull no image, and a function is invoked in the same apply.
  depends_on = [
    aws_vpc_endpoint.interface,
    aws_vpc_security_group_egress_rule.between_groups,
    aws_vpc_security_group_ingress_rule.between_groups,
    aws_vpc_security_group_egress_rule.to_internet,
    aws_vpc_security_group_egress_rule.to_s3,
  ]
}
