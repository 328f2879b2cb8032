locals {
  engine_major_version = "17"
}

resource "aws_db_parameter_group" "this" {
  name_prefix = "${var.context.name}-"
  description = "Encrypted connections, SCRAM passwords, a log of slowness and of changes"
  family      = "postgres${local.engine_major_version}"

  # A connection without TLS is refused. RDS reports a value that equals the family's default as its own, applied
  # "pending-reboot", so another method would differ in every plan.
  parameter {
    name         = "rds.force_ssl"
    value        = "1"
    apply_method = "pending-reboot"
  }

  # No password is kept as an MD5 hash, and none that is can be set.
  parameter {
    name         = "password_encryption"
    value        = "scram-sha-256"
    apply_method = "pending-reboot"
  }

  parameter {
    name  = "rds.accepted_password_auth_method"
    value = "scram"
  }

  # RDS's default follows from memory that it does not publish: it is a fifth less than the class's name promises.
  parameter {
    name         = "max_connections"
    value        = var.max_connections
    apply_method = "pending-reboot"
  }

  # pgaudit logs what changes tables, roles and privileges; it writes <REDACTED> where a statement sets a password.
  # The extension of this name would add the object's name to DDL; the access document can declare it.
  # What a library needs from the start is set before the first start; a later change waits for a restart.
  parameter {
    name         = "shared_preload_libraries"
    value        = "pg_stat_statements,pgaudit"
    apply_method = "pending-reboot"
  }

  parameter {
    name  = "pgaudit.log"
    value = "ddl,role"
  }

  # Statements that take longer than this many milliseconds are logged, and so are waits for a lock. log_statement
  # stays off: it would write the verifiers of new passwords into the log.
  parameter {
    name  = "log_min_duration_statement"
    value = "500"
  }

  parameter {
    name  = "log_lock_waits"
    value = "1"
  }

  lifecycle { create_before_destroy = true }
}
