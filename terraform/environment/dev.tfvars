environment  = "dev"
is_temporary = true

# No domain: plain HTTP, reachable only from the addresses that `make deploy` asks for.
psql_is_allowed                 = true
requests_per_five_minutes_limit = null

database_instance_class              = "db.t4g.micro"
database_allocated_gigabytes         = 20
database_is_multi_az                 = false
database_backup_retention_days       = 1
database_certificate_authority       = null
database_monitoring_interval_seconds = 0
database_max_connections             = 100
database_limits                      = { connections = 60, freeable_mebibytes = 64 }

service_task_count       = { minimum = 2, maximum = 4 }
service_spot_percent     = 100
service_cpu_units        = 256
service_memory_mebibytes = 512

# To pay for no tasks at night (UTC); an apply at night then starts nothing until the morning:
# service_schedules = {
#   night   = { schedule = "cron(0 20 ? * * *)", minimum = 0, maximum = 0 }
#   morning = { schedule = "cron(0 6 ? * MON-FRI *)", minimum = 2, maximum = 4 }
# }

seeding_is_allowed = true

log_retention_days = 7
monthly_budget_usd = 175
