data "aws_caller_identity" "current" {}
data "aws_region" "current" {}
data "aws_partition" "current" {}

locals {
  name       = "${var.context.name}-psql" # scripts/psql.py finds the task definition by it
  region     = data.aws_region.current.id
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  ecs        = "arn:${local.partition}:ecs:${local.region}:${local.account_id}"
  tasks      = "${local.ecs}:task/${var.context.name}/*"
  registry   = regex("^(?P<account_id>[0-9]+)\\.dkr\\.ecr\\.(?P<region>[a-z0-9-]+)\\.[a-z.]+/(?P<repository>[^:@]+)", var.image)
}

# The task does nothing but run AWS's agent, which ECS Exec adds and which forwards the port. It ends after four hours, even
# if the session that started it could not end it.
resource "aws_ecs_task_definition" "this" {
  family                   = local.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = aws_iam_role.this["execution"].arn
  task_role_arn            = aws_iam_role.this["task"].arn
  tags                     = { Purpose = local.name } # by which callers can stop their tasks and no others

  container_definitions = jsonencode([{
    name                   = "forward"
    image                  = var.image
    command                = ["sleep", "14400"]
    essential              = true
    readonlyRootFilesystem = false # the agent writes to it
    linuxParameters        = { initProcessEnabled = true, capabilities = { add = [], drop = ["ALL"] } }

    # For the caller's machine, which reads them here.
    environment = [for name, value in {
      DATABASE_HOST  = var.database.address
      DATABASE_NAME  = var.database.name
      DATABASE_PORT  = tostring(var.database.port)
      LOGINS         = join(" ", sort(var.logins))
      PUBLIC_ADDRESS = var.has_public_address ? "ENABLED" : "DISABLED"
      SECURITY_GROUP = var.security_group_id
      SUBNETS        = join(" ", sort(var.subnet_ids))
    } : { name = name, value = value }]
  }])

  # To deregister a revision, a deployment would have to be permitted to deregister those of all environments.
  skip_destroy = true

  runtime_platform {
    cpu_architecture        = var.cpu_architecture
    operating_system_family = "LINUX"
  }
}

locals {
  permissions = {
    execution = [
      { Sid = "GetAuthorizationToken", Action = ["ecr:GetAuthorizationToken"], Resource = ["*"] },
      {
        Sid      = "PullImage"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = ["arn:${local.partition}:ecr:${local.registry.region}:${local.registry.account_id}:repository/${local.registry.repository}"]
      },
    ]
    task = [{ Sid = "OpenChannels", Action = [for action in ["CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"] : "ssmmessages:${action}"], Resource = ["*"] }]
  }
}

resource "aws_iam_role" "this" {
  for_each = local.permissions

  name        = "${local.name}-${each.key}"
  description = each.key == "task" ? "What a task that forwards a port can do in AWS" : "What ECS can do to start a task that forwards a port"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Sid       = "AssumeRoleFromTasks", Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ecs-tasks.amazonaws.com" }
    Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
  }] })
  permissions_boundary = var.context.permissions_boundary_arn
}

resource "aws_iam_role_policy" "this" {
  for_each = local.permissions

  name   = each.key
  role   = aws_iam_role.this[each.key].name
  policy = jsonencode({ Version = "2012-10-17", Statement = [for one in each.value : merge({ Effect = "Allow" }, one)] })
}
