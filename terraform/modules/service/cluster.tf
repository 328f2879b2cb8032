resource "aws_ecs_cluster" "this" {
  name = var.name

  setting {
    name  = "containerInsights"
    value = local.container_insights
  }
}

locals {
  container_insights = var.is_temporary ? "disabled" : "enhanced" # charged by the metric
}
