locals {
  service_login  = "beers_app"
  migrator_login = "beers_migrator"

  service_credential = var.database_auth == "iam" ? "iam" : "rotated"

  # One worker for each started core, at least two, so that one continues while another is replaced, and no more than fit
  # into the memory: twice the measured 52 MB of a worker, and 60 for their master. app/settings.py has the connections.
  service_workers     = max(1, min(max(2, ceil(var.service_cpu_units / 1024)), floor((var.service_memory_mebibytes - 60) / 110)))
  service_connections = 5

  # During a deployment, both versions serve (deployment_maximum_percent).
  service_sessions  = 2 * var.service_task_count.maximum * local.service_workers * local.service_connections
  reserved_sessions = 15 # 5 that PostgreSQL and RDS reserve, and 10 for migrations, functions and people
}
