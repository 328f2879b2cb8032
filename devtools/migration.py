"""Migrations of the service's tables for rehearsed releases; a trial one, of a release that fails afterwards."""

REVISION = "trial"
CHANGE = "ALTER TABLE beers.beers ADD COLUMN IF NOT EXISTS trial text"
RECORD = f"UPDATE beers.alembic_version SET version_num = '{REVISION}'"  # noqa: S608


def source(revision: str, before: str, statement: str) -> str:
    """Return a migration that runs a statement, as Alembic reads it."""
    head = f"from alembic import op\n\nrevision = {revision!r}\ndown_revision = {before!r}\n\n\n"
    return f"{head}def upgrade():\n    op.execute({statement!r})\n"


def undo(revision: str) -> tuple[str, str]:
    """Return the statements that bring the tables back to a revision; they can be repeated."""
    return (
        "ALTER TABLE beers.beers DROP COLUMN IF EXISTS trial",
        f"UPDATE beers.alembic_version SET version_num = '{revision}' WHERE version_num = '{REVISION}'",  # noqa: S608
    )
