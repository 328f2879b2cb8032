locals {
  engine_major_version = "17"
}

resource "aws_db_parameter_group" "this" {
  name_prefix = "${var.name}-"
  description = "Encrypted connections only, and a log that explains slowness"
  family      = "postgres${local.engine_major_version}"

  # A connection without TLS is refused.
  parameter {
    name  = "rds.force_ssl"
    value = "1"
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

  lifecycle {
    create_before_destroy = true
  }
}
