"""Read PostgreSQL's catalogs: sessions, queries, and a snapshot of the access that exists."""
