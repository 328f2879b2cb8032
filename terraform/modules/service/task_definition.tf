locals {
  user_id      = "10001" # the image's own user; repeated here so that another image cannot bring root
  scratch_name = "scratch"

  # What both containers are denied: root, kernel capabilities, writing anywhere but to /tmp.
  hardening = {
    user                   = local.user_id
    readonlyRootFilesystem = !var.exec_is_allowed
    linuxParameters = {
      initProcessEnabled = true # reaps orphans, and passes SIGTERM on
      # ECS stores the empty list too: without it, each plan would replace the revision.
      capabilities = { add = [], drop = ["ALL"] }
    }
    mountPoints      = [{ sourceVolume = local.scratch_name, containerPath = "/tmp", readOnly = false }]
    logConfiguration = local.log_configuration
  }

  # Brings the tables up to date as their owner, and ends. ECS waits three minutes for it; a longer change of the tables is
  # split, or run beforehand.
  migrate_container = merge(local.hardening, {
    name      = "migrate"
    image     = var.image
    command   = ["python", "-m", "app", "migrate"]
    essential = false
    # Injected, so that the permission to read it stays with ECS: the running service has no way to the owner's login.
    secrets = [{ name = "DATABASE_SECRET", valueFrom = var.migrator_secret_arn }]
    # Another database, such as a restored one, gets new tasks: they migrate it, and have no connection to the one before.
    environment = [for id in [var.database_resource_id] : { name = "DATABASE_RESOURCE_ID", value = id } if id != null]
  })

  app_container = merge(local.hardening, {
    name      = "app"
    image     = var.image
    essential = true
    dependsOn = [{ containerName = local.migrate_container.name, condition = "SUCCESS" }]

    portMappings = [{ containerPort = var.service_port, hostPort = var.service_port, protocol = "tcp" }]

    # The secret's name and not its value: the credential is rotated while the task runs.
    environment = concat(local.write_environment, [
      { name = "APP_VERSION", value = local.image_version },
      { name = "AWS_REGION", value = data.aws_region.current.id },
      local.database_login,
      { name = "PORT", value = tostring(var.service_port) },
      { name = "WEB_CONCURRENCY", value = tostring(var.worker_count) },
    ])

    # Is the process alive? Whether it can reach the database is the load balancer's question: a restart does not repair a database.
    healthCheck = {
      command     = ["CMD", "python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/livez', timeout=3)"]
      interval    = 10
      timeout     = 5
      retries     = 3
      startPeriod = 30
    }

    stopTimeout = 30 # seconds until SIGKILL; the service finishes what is under way in less
  })

  # A tag, or the first digits of a digest.
  image_version = replace(regex("[^:@]+$", var.image), "/^([0-9a-f]{12})[0-9a-f]{52}$/", "$1")
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.context.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu_units
  memory                   = var.memory_mebibytes
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  container_definitions    = jsonencode([local.migrate_container, local.app_container])

  # Earlier revisions stay: the circuit breaker can go back only to one that is still registered. They cost nothing.
  skip_destroy = true

  runtime_platform {
    cpu_architecture        = var.cpu_architecture
    operating_system_family = "LINUX"
  }

  volume { name = local.scratch_name }
}
