resource "aws_ecs_cluster" "this" {
  name = var.context.name

  setting {
    name  = "containerInsights"
    value = var.container_insights
  }
}

# Tasks run on Fargate and on Fargate Spot, which is cheaper and can be interrupted with two minutes' notice.
resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]
}

locals {
  # One task never runs on Spot, so that a shortage of Spot capacity does not stop the service. ECS places no tasks, not even
  # the base, on a provider with weight 0.
  capacity_shares = concat(
    [{ provider = "FARGATE", base = 1, weight = max(1, 100 - var.spot_percent) }],
    [for percent in [var.spot_percent] : { provider = "FARGATE_SPOT", base = 0, weight = percent } if percent > 0],
  )
}
