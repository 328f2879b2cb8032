"""The database: connections and their credentials, a bounded pool, the catalogue's queries, and migrations."""
