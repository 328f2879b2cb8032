"""The database: credentials, connections, a bounded pool, the catalogue's queries, migrations."""
