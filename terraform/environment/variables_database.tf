variable "database_certificate_authority" {
  description = "Authority that signs the database's certificate; null leaves the choice to RDS. Clients trust all of RDS's authorities."
  type        = string
  default     = "rds-ca-rsa2048-g1"

  validation {
    condition     = var.database_certificate_authority == null || can(regex("^rds-ca-(rsa2048|rsa4096|ecc384)-g[0-9]+$", var.database_certificate_authority))
    error_message = "Give the identifier of one of RDS's authorities, such as rds-ca-rsa2048-g1, or null."
  }
}

variable "database_monitoring_interval_seconds" {
  description = "Seconds between two measurements of the database's host; 0 for none."
  type        = number
  default     = 60

  validation {
    condition     = contains([0, 1, 5, 10, 15, 30, 60], var.database_monitoring_interval_seconds)
    error_message = "RDS measures every 1, 5, 10, 15, 30 or 60 seconds; 0 turns it off."
  }
}
