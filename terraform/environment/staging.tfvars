# Everything that prod has, but smaller: what goes wrong there should go wrong here first.
environment = "staging"

domain_name   = "beers.staging.example.com"
dns_zone_name = "example.com"

vpc_cidr                = "10.21.0.0/16"
availability_zone_count = 2

database_instance_class        = "db.t4g.medium"
database_allocated_gigabytes   = 50
database_backup_retention_days = 7

service_task_count       = 2
service_cpu_units        = 256
service_memory_mebibytes = 512

log_retention_days = 30
