environment  = "dev"
is_temporary = true

# No domain: plain HTTP. Let only your own address in once the load balancer is real.
# client_cidr_blocks = ["203.0.113.7/32"]
requests_per_five_minutes_limit = null

database_instance_class              = "db.t4g.micro"
database_allocated_gigabytes         = 20
database_is_multi_az                 = false
database_backup_retention_days       = 1
database_certificate_authority       = null
database_monitoring_interval_seconds = 0
database_is_updated_blue_green       = false

service_task_count       = 2
service_cpu_units        = 256
service_memory_mebibytes = 512

seeding_is_allowed = true

log_retention_days = 7
