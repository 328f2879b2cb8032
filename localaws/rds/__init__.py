"""Amazon RDS: a real PostgreSQL server behind each instance."""
