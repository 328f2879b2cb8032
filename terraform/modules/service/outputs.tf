output "url" {
  description = "Where the service answers. With a certificate, reach it by the certificate's domain instead."
  value       = "${local.url_scheme}://${aws_lb.this.dns_name}"
}

output "load_balancer_dns_name" {
  description = "Host name of the load balancer, for the domain's DNS record."
  value       = aws_lb.this.dns_name
}

output "cluster_name" {
  description = "Name of the ECS cluster."
  value       = aws_ecs_cluster.this.name
}

output "service_name" {
  description = "Name of the ECS service."
  value       = aws_ecs_service.this.name
}

output "task_definition_arn" {
  description = "Revision of the task definition that the service runs."
  value       = aws_ecs_task_definition.this.arn
}
