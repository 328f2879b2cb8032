environment = "prod"

domain_name   = "beers.example.com"
dns_zone_name = "example.com"

client_cidr_blocks = ["0.0.0.0/0"]

vpc_cidr                = "10.22.0.0/16"
availability_zone_count = 3

database_instance_class        = "db.m7g.large"
database_allocated_gigabytes   = 100
database_backup_retention_days = 35

service_task_count       = { minimum = 3, maximum = 6 }
service_cpu_units        = 512
service_memory_mebibytes = 1024

log_retention_days = 365
monthly_budget_usd = 800
