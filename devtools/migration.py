"""A trial migration of the service's tables, for a release that fails after it has migrated."""

REVISION = "trial"
CHANGE = "ALTER TABLE beers.beers ADD COLUMN IF NOT EXISTS trial text"
RECORD = f"UPDATE beers.alembic_version SET version_num = '{REVISION}'"  # noqa: S608


def undo(revision: str) -> tuple[str, str]:
    """Return the statements that bring the tables back to a revision; they can be repeated."""
    return (
        "ALTER TABLE beers.beers DROP COLUMN IF EXISTS trial",
        f"UPDATE beers.alembic_version SET version_num = '{revision}' WHERE version_num = '{REVISION}'",  # noqa: S608
    )
