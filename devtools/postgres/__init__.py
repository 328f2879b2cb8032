"""Private PostgreSQL servers shaped like those of RDS."""
