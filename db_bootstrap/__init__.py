"""Database access as code: PostgreSQL grants exactly what a document declares."""
