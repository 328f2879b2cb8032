environment  = "dev"
is_temporary = true

database_instance_class        = "db.t4g.micro"
database_allocated_gigabytes   = 20
database_is_multi_az           = false
database_backup_retention_days = 1

service_task_count       = 2
service_cpu_units        = 256
service_memory_mebibytes = 512

seeding_is_allowed = true

log_retention_days = 7
