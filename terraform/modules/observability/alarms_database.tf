# There is no alarm on replica lag because there is no replica: docs/decisions/2026-11-24-no-replica-and-no-blue-green.md.
locals {
  database           = { DBInstanceIdentifier = var.database.identifier }
  bytes_of_mebibyte  = 1024 * 1024
  storage_share_left = 0.05 # RDS itself adds storage below a tenth: at half of that it cannot, or not fast enough

  database_alarms = {
    for key, alarm in {
      database-cpu = {
        description = "The database is short of processor."
        metric      = "CPUUtilization", periods = 15, threshold = 80
      }
      database-storage = {
        description  = "The database's storage is nearly full, and does not grow."
        metric       = "FreeStorageSpace", statistic = "Minimum", period_seconds = 300, periods = 3
        comparison   = "LessThanThreshold", threshold = var.database.allocated_gigabytes * 1024 * local.bytes_of_mebibyte * local.storage_share_left
        missing_data = "ignore" # a new database has no data points yet
      }
      database-connections = {
        description = "More than ${var.database_limits.connections} connections are open: soon the database takes no more."
        metric      = "DatabaseConnections", statistic = "Maximum", periods = 5, threshold = var.database_limits.connections
      }
      database-memory = {
        description = "The database has less than ${var.database_limits.freeable_mebibytes} MiB of memory to spare."
        metric      = "FreeableMemory", periods = 15
        comparison  = "LessThanThreshold", threshold = var.database_limits.freeable_mebibytes * local.bytes_of_mebibyte
      }
    } : key => merge({ namespace = "AWS/RDS", dimensions = local.database }, alarm)
  }
}
