# Everything that prod has, but smaller: what goes wrong there should go wrong here first.
environment = "staging"

domain_name   = "beers.staging.example.com"
dns_zone_name = "example.com"

client_cidr_blocks = ["0.0.0.0/0"]

vpc_cidr                = "10.21.0.0/16"
availability_zone_count = 2

database_instance_class        = "db.t4g.medium"
database_allocated_gigabytes   = 50
database_backup_retention_days = 7
database_max_connections       = 300
database_limits                = { connections = 250, freeable_mebibytes = 256 }

service_task_count       = { minimum = 2, maximum = 4 }
service_spot_percent     = 50
service_cpu_units        = 256
service_memory_mebibytes = 512

# One task is enough at night (UTC).
service_schedules = {
  night   = { schedule = "cron(0 20 ? * * *)", minimum = 1, maximum = 4 }
  morning = { schedule = "cron(0 6 ? * MON-FRI *)", minimum = 2, maximum = 4 }
}

log_retention_days = 30
monthly_budget_usd = 300
