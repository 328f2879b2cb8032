"""Reads from PostgreSQL: sessions with verified TLS, and the catalogs' facts about access."""
