output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.this.id
}

output "public_subnet_ids" {
  description = "Subnets with a route to the internet, for the load balancer; one a zone."
  value       = [for zone in local.zones : aws_subnet.public[zone].id]

  # A load balancer in a subnet without its route is unreachable.
  depends_on = [aws_route.public_to_internet, aws_route_table_association.public]
}

output "private_subnet_ids" {
  description = "Subnets for tasks and functions, which reach AWS through endpoints or a NAT gateway; one a zone."
  value       = [for zone in local.zones : aws_subnet.private[zone].id]

  depends_on = [aws_route.private_to_internet, aws_route_table_association.private]
}

output "database_subnet_ids" {
  description = "Subnets for the database, with no route out of the VPC; one a zone."
  value       = [for zone in local.zones : aws_subnet.database[zone].id]

  depends_on = [aws_network_acl.database, aws_route_table_association.database]
}

output "load_balancer_security_group_id" {
  description = "Group of the load balancer."
  value       = aws_security_group.this["load_balancer"].id
}

output "service_security_group_id" {
  description = "Group of the service's tasks."
  value       = aws_security_group.this["service"].id

  # A task that starts before its flows are open can pull no image.
  depends_on = [
    aws_vpc_endpoint.interface,
    aws_vpc_security_group_egress_rule.between_groups,
    aws_vpc_security_group_ingress_rule.between_groups,
    aws_vpc_security_group_egress_rule.to_internet,
    aws_vpc_security_group_egress_rule.to_s3,
  ]
}

output "database_security_group_id" {
  description = "Group of the database."
  value       = aws_security_group.this["database"].id
}

output "database_access_security_group_id" {
  description = "Group of the functions that manage the database's roles and logins."
  value       = aws_security_group.this["database_access"].id

  # A function is invoked in the same apply: its flows must be open by then.
  depends_on = [
    aws_vpc_endpoint.interface,
    aws_vpc_security_group_egress_rule.between_groups,
    aws_vpc_security_group_ingress_rule.between_groups,
    aws_vpc_security_group_egress_rule.to_internet,
  ]
}

output "rotation_watch_security_group_id" {
  description = "Group of the function that checks for overdue rotations."
  value       = aws_security_group.this["rotation_watch"].id

  depends_on = [
    aws_vpc_endpoint.interface,
    aws_vpc_security_group_egress_rule.between_groups,
    aws_vpc_security_group_ingress_rule.between_groups,
    aws_vpc_security_group_egress_rule.to_internet,
  ]
}

output "psql_security_group_id" {
  description = "Group of tasks that forward a port to the database; null where they are not allowed."
  value       = try(aws_security_group.this["psql"].id, null)
}
