resource "aws_ecs_cluster" "this" {
  name = var.context.name

  setting {
    name  = "containerInsights"
    value = "enhanced"
  }
}

# Where tasks may run: on capacity of their own, and on what AWS has to spare, which is cheaper and can be taken back at two
# minutes' notice.
resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]
}

locals {
  # One task always has capacity of its own, so that a shortage of the spare one takes the service away from nobody.
  capacity_shares = concat(
    [{ provider = "FARGATE", base = 1, weight = 100 - var.spot_percent }],
    [for percent in [var.spot_percent] : { provider = "FARGATE_SPOT", base = 0, weight = percent } if percent > 0],
  )
}
