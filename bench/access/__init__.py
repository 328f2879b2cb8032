"""The time that `db_bootstrap` takes to apply access, compared with other tools."""
