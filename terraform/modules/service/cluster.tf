resource "aws_ecs_cluster" "this" {
  name = var.name

  # Charged by the metric.
  setting {
    name  = "containerInsights"
    value = var.is_temporary ? "disabled" : "enhanced"
  }
}
