"""How long `db_bootstrap` takes to put access in place, beside other tools that do."""
