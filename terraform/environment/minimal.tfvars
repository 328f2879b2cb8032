# dev for at most 60 USD a month; docs/costs.md says what it gives up. Use it as dev.tfvars:
# cp minimal.tfvars dev.tfvars
environment  = "dev"
is_temporary = true

# Each task has a public address instead of five endpoints in two zones. Only the load balancer is let in to it.
network_egress                  = "public_addresses"
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

service_task_count       = { minimum = 1, maximum = 1 }
service_cpu_units        = 256
service_memory_mebibytes = 512

seeding_is_allowed = true

is_monitored_minimally = true
log_retention_days     = 7
monthly_budget_usd     = 75
