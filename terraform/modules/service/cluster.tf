resource "aws_ecs_cluster" "this" {
  name = var.name

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

variable "spot_percent" {
  description = "Percent of the tasks, beyond the first, that run on spare capacity: cheaper, and ended whenever AWS wants it back."
  type        = number
  default     = 0

  validation {
    condition     = var.spot_percent >= 0 && var.spot_percent <= 100 && floor(var.spot_percent) == var.spot_percent
    error_message = "Choose between 0 and 100 whole percent."
  }
}

locals {
  # One task always has capacity of its own, so that a shortage of the spare one takes the service away from nobody.
  capacity_shares = concat(
    [{ provider = "FARGATE", base = 1, weight = 100 - var.spot_percent }],
    [for percent in [var.spot_percent] : { provider = "FARGATE_SPOT", base = 0, weight = percent } if percent > 0],
  )
}
