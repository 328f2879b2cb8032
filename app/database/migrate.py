"""Migrate the database's tables to what this version of the service needs.

A database that a newer version has migrated stays as it is: after a rollback, and during a rolling deployment, tasks of
the older version start on it. So each migration must keep what the previous version uses.

Run it as the schema's owner, never as the service's login, which can change rows but not tables. Concurrent runs are
safe: the first one migrates, the others wait for it and then have nothing to do.
"""

import logging
import time
from pathlib import Path

import alembic.command
import sqlalchemy
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from app.database.connector import Connection as DriverConnection
from app.database.connector import Connector, connector_for, sqlstate
from app.settings import Settings

SCHEMA = "beers"
# For a run; ECS ends the container of a longer one before that.
MIGRATION_SECONDS = 600
CONNECT_SECONDS = 15
# The time that a run waits for a concurrent one, and the interval at which it logs that.
ADVISORY_LOCK_TIMEOUT_SECONDS = 120
REPORT_SECONDS = 10
# ALTER TABLE waits for the table's readers, and every later query waits for it; so it must not wait for long.
TABLE_LOCK_TIMEOUT_SECONDS = 10

# "taproom" in hexadecimal; the key only has to be the same for all runs and unused otherwise in this database.
_LOCK_KEY = 0x746170726F6F6D
_LOCK_HOLDER = """
    SELECT format('process %s of %s (%s)', pid, usename, application_name)
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32) + objid::bigint = :key
"""
_RETRY_SECONDS = 0.2

_LOCK_NOT_AVAILABLE = "55P03"
_INSUFFICIENT_PRIVILEGE = "42501"

_log = logging.getLogger(__name__)


class MigrationError(Exception):
    """The migration failed and changed nothing. The message names the remedy."""


def known_revisions() -> list[str]:
    """Return the revisions that this version of the service knows, in order; the last is the one it needs."""
    scripts = ScriptDirectory.from_config(_alembic_config())
    return [script.revision for script in reversed(list(scripts.walk_revisions()))]


def migrate(settings: Settings) -> tuple[str | None, str]:
    """Apply the pending migrations, all or none of them; none if the database's revision is newer.

    Return the revisions before, None if the database was empty, and after.

    Raises:
        SettingsError: The settings are not valid.
        SecretError: There is no usable credential.
        MigrationError: The database refused.
        OSError: The database cannot be reached.
    """
    connector = connector_for(settings)
    try:
        with _engine(connector).connect() as connection:
            _lock(connection)
            return _upgrade(connection)
    except DBAPIError as error:
        raise MigrationError(_explanation(error)) from error


def _engine(connector: Connector) -> sqlalchemy.Engine:
    def connect() -> DriverConnection:
        connection = connector.connect(time.monotonic() + CONNECT_SECONDS)
        connection.sock.deadline = time.monotonic() + MIGRATION_SECONDS
        return connection

    return sqlalchemy.create_engine(
        "postgresql+pg8000://", creator=connect, poolclass=sqlalchemy.NullPool, hide_parameters=True
    )


def _lock(connection: Connection) -> None:
    """Acquire the advisory lock, which is released with the session, outside of the transaction that migrates.

    Acquired inside, that transaction would see the catalogs as they were before a concurrent run finished.
    """
    started_at, reported_at = time.monotonic(), float("-inf")
    while not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK_KEY}).scalar_one():
        waited = time.monotonic() - started_at
        holder = connection.execute(text(_LOCK_HOLDER), {"key": _LOCK_KEY}).scalar()
        connection.commit()
        if waited > ADVISORY_LOCK_TIMEOUT_SECONDS:
            raise MigrationError(
                f"Another migration has been running for more than {ADVISORY_LOCK_TIMEOUT_SECONDS} seconds: {holder}. "
                "Wait for it or end it with pg_terminate_backend, then run this again."
            )
        if time.monotonic() - reported_at > REPORT_SECONDS:
            reported_at = time.monotonic()
            _log.info("Waiting for another migration", extra={"fields": {"holder": holder, "waited_s": round(waited)}})
        time.sleep(_RETRY_SECONDS)
    connection.execute(text(f"SET lock_timeout = '{TABLE_LOCK_TIMEOUT_SECONDS}s'"))
    connection.commit()


def _upgrade(connection: Connection) -> tuple[str | None, str]:
    # Not CREATE SCHEMA IF NOT EXISTS, which needs the CREATE privilege even if the schema exists: in AWS the schema is
    # created together with its owner, which has no such privilege.
    exists = text("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = :schema)")
    if not connection.execute(exists, {"schema": SCHEMA}).scalar_one():
        connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
    before = _revision(connection)
    if before is not None and before not in known_revisions():
        return before, before
    alembic.command.upgrade(_alembic_config(connection), "head")
    connection.commit()
    return before, known_revisions()[-1]


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


def _explanation(error: DBAPIError) -> str:
    code = sqlstate(error.orig) if error.orig is not None else None
    message = error.orig.args[0].get("M", "") if code and error.orig else "the connection failed or was lost"
    remedy = {
        _INSUFFICIENT_PRIVILEGE: f"Run it as the owner of schema {SCHEMA}, not as the service's login.",
        _LOCK_NOT_AVAILABLE: f"A table was locked for {TABLE_LOCK_TIMEOUT_SECONDS} seconds; retry under less load.",
        "28P01": "Check the password; a secret that was rotated must be read again, as ECS does for the next task.",
        "28000": "The server refuses this login; with a token, the role needs rds-db:connect on it.",
    }.get(code or "", "Nothing was changed; fix the cause and run it again.")
    return f"The migration failed: {message} ({code or 'no code'}). {remedy}"
