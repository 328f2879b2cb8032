"""Bring the database's tables to what this version of the service needs.

A database that a newer version has migrated is left as it is: after a rollback, and while a release is rolled out,
tasks of the older version start on it. So each migration must keep what the version before it uses.

Run as the schema's owner, never as the service's own login, which may change rows but no tables. Any number of these
may run at once: the first does the work, the others wait for it and find nothing left to do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import alembic.command
import sqlalchemy
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from app.database.connector import Connector, connector_for, sqlstate
from app.settings import Settings

SCHEMA = "beers"
# Others that wait for their turn give up after this.
TURN_TIMEOUT_SECONDS = 120
# ALTER TABLE waits behind whoever reads the table, and everybody else waits behind it; so it does not wait for long.
LOCK_TIMEOUT_SECONDS = 10

# "taproom", in hexadecimal; the key need only be the same for all and used by nobody else in this database.
_LOCK_KEY = 0x746170726F6F6D

_LOCK_NOT_AVAILABLE = "55P03"
_INSUFFICIENT_PRIVILEGE = "42501"


class MigrationError(Exception):
    """The migration did not happen; nothing was changed. The message says what to do."""


@dataclass(frozen=True)
class Migration:
    """The revision before a run (``None``: an empty database) and after it.

    Attributes:
        is_newer: A newer version of the service made ``before``, so nothing was done.
    """

    before: str | None
    after: str | None
    is_newer: bool = False


def known_revisions() -> list[str]:
    """The revisions that this version of the service knows, the oldest first, the one it needs last."""
    scripts = ScriptDirectory.from_config(_alembic_config())
    return [script.revision for script in reversed(list(scripts.walk_revisions()))]


def migrate(settings: Settings) -> Migration:
    """Apply the migrations that are missing, all or none of them; none if the database's revision is newer.

    Raises:
        SettingsError: the settings are of no use.
        CredentialError: there is no usable credential.
        MigrationError: the database refused.
        OSError: the database cannot be reached.
    """
    connector = connector_for(settings, read_timeout_seconds=None)
    try:
        with _connection(connector) as connection, _our_turn(connection):
            return _upgrade(connection)
    except DBAPIError as error:
        raise MigrationError(_explained(error)) from error


@contextmanager
def _connection(connector: Connector) -> Iterator[Connection]:
    engine = sqlalchemy.create_engine(
        "postgresql+pg8000://", creator=connector.connect, poolclass=sqlalchemy.NullPool, hide_parameters=True
    )
    with engine.connect() as connection:
        yield connection


@contextmanager
def _our_turn(connection: Connection) -> Iterator[None]:
    """Hold the advisory lock, taken outside of the transaction that migrates.

    Were it taken within, that transaction would look at the catalogs as they were before the others had finished.
    """
    connection.execute(text(f"SET lock_timeout = '{TURN_TIMEOUT_SECONDS}s'"))
    try:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK_KEY})
    except DBAPIError as error:
        if error.orig is not None and sqlstate(error.orig) == _LOCK_NOT_AVAILABLE:
            raise MigrationError(
                f"Another migration has been running for more than {TURN_TIMEOUT_SECONDS} seconds. Look for it in "
                "pg_stat_activity (application_name taproom/...), then run this again."
            ) from error
        raise
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'"))
    connection.commit()
    # The lock goes with the session, which ends here.
    yield


def _upgrade(connection: Connection) -> Migration:
    # Not CREATE SCHEMA IF NOT EXISTS, which asks for the right to create even where there is nothing to create: in
    # AWS the schema is made together with its owner, who may create nothing else in the database.
    exists = text("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = :schema)")
    if not connection.execute(exists, {"schema": SCHEMA}).scalar_one():
        connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
    before = _revision(connection)
    if before is not None and before not in known_revisions():
        return Migration(before, before, is_newer=True)
    alembic.command.upgrade(_alembic_config(connection), "head")
    after = _revision(connection)
    connection.commit()
    return Migration(before, after)


def _revision(connection: Connection) -> str | None:
    options = {"version_table_schema": SCHEMA}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def _alembic_config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["schema"] = SCHEMA
    return config


def _explained(error: DBAPIError) -> str:
    code = sqlstate(error.orig) if error.orig is not None else None
    said = error.orig.args[0].get("M", "") if code and error.orig else "the connection failed or was lost"
    hint = {
        _INSUFFICIENT_PRIVILEGE: f"Run it as the owner of schema {SCHEMA}, not as the service's own login.",
        _LOCK_NOT_AVAILABLE: f"A table was in use for {LOCK_TIMEOUT_SECONDS} seconds; run it again when it is quieter.",
        "28P01": "Check the password; a secret that was rotated must be read again, as ECS does for the next task.",
        "28000": "The server does not let this login in; with a token, the role needs rds-db:connect on it.",
    }.get(code or "", "Nothing was changed; mend the cause and run it again.")
    return f"The migration failed: {said} ({code or 'no code'}). {hint}"
