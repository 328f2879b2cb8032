"""The service's connections to PostgreSQL: one bounded pool for each process, and one error for every outage.

Each request runs one statement in autocommit mode: no transaction is ever left open, and a retry never repeats a part
of one.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pg8000
from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import NullPool, Pool, PoolProxiedConnection, QueuePool

from app.database.connector import Connector, connector_for, sqlstate
from app.database.credentials import CredentialError
from app.database.semaphore import FairSemaphore
from app.logs import sql_comment
from app.settings import Settings

# Longer than the statement_timeout that the login carries (5 s), so that normally the server ends a slow statement.
READ_TIMEOUT_SECONDS = 10.0
POOL_TIMEOUT_SECONDS = 3.0
# A session that was used less than this ago is assumed to be alive.
IDLE_SECONDS = 1.0
# Between two statements with a comment, which are not prepared.
COMMENT_SECONDS = 0.1

# After these the session has ended, or its server is not the primary.
_SESSION_IS_LOST = frozenset({"25006", "57P01", "57P02", "57P03", "57P05"})

# undefined_table, undefined_column, invalid_schema_name
_NO_TABLES = frozenset({"42P01", "42703", "3F000"})
_LACKS_TABLES = (
    "The database lacks tables or columns that this version of the service needs. Run `python -m app migrate`; "
    "if a newer version has removed them, deploy the newer version."
)

# A statement that fails with one of these classes (two characters) or codes may succeed later: connection exceptions,
# insufficient resources, operator intervention (which includes a statement timeout), an unavailable lock, a read-only
# server, and missing tables. Any refusal of a login counts as unavailable.
_UNAVAILABLE = frozenset({"08", "53", "57", "55P03", "25006"}) | _NO_TABLES


class DatabaseUnavailableError(Exception):
    """The database is unavailable; a later retry may succeed.

    Attributes:
        reason: One sentence for the log and the readiness probe, without any secret.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SessionLostError(DatabaseUnavailableError):
    """The session broke during a statement; another session may work.

    Attributes:
        is_retryable: Whether PostgreSQL reported the loss instead of executing the statement. Otherwise it is unknown
            whether it was executed.
    """

    def __init__(self, reason: str, *, is_retryable: bool) -> None:
        super().__init__(reason)
        self.is_retryable = is_retryable


class Database:
    """A pool of connections, opened on first use.

    SQLAlchemy provides only the pool; statements go to pg8000 unchanged.
    """

    def __init__(self, connector: Connector, pool_size: int, pool_recycle_seconds: int = 900) -> None:
        """Create a pool of ``pool_size`` connections; with 0, every statement opens a connection.

        A session outlives the rotation of its password; ``pool_recycle_seconds`` limits for how long.
        """
        self._connector = connector
        self._semaphore = FairSemaphore(pool_size) if pool_size else None
        # There is nothing to reset: a session has no transaction, and no settings but its login's.
        self._pool: Pool = (
            QueuePool(
                self._open, pool_size=pool_size, max_overflow=0, recycle=pool_recycle_seconds, reset_on_return=None
            )
            if pool_size
            else NullPool(self._open, reset_on_return=None)
        )
        self._last_loss_at = float("-inf")
        self._commented_at = float("-inf")
        event.listen(self._pool, "checkin", _record_use)
        event.listen(self._pool, "checkout", self._ping_if_suspect)

    def read(self, statement: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """Return the rows of ``statement``, which only reads: if the session breaks, run it again in another.

        Raises:
            DatabaseUnavailableError: There is no connection, or it broke twice, or the server is too busy.
        """
        try:
            return self._run(statement, parameters)
        except SessionLostError:
            return self._run(statement, parameters)

    def write(self, statement: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """Return the rows of ``statement``, which writes: run it again only if it was certainly not executed.

        Raises:
            DatabaseUnavailableError: There is no connection, or it broke, or the server is too busy.
        """
        try:
            return self._run(statement, parameters)
        except SessionLostError as error:
            if not error.is_retryable:
                raise
            return self._run(statement, parameters)

    def _run(self, statement: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """Return the rows of ``statement`` for ``parameters``, whose placeholders are ``:name``.

        PostgreSQL prepares it once for each connection. That saves two of three round trips and most of the planning,
        which for a page of beers is more than half of all the work.

        Raises:
            DatabaseUnavailableError: There is no connection, or it broke, or the server is too busy.
        """
        with self._session() as session:
            # Lives as long as the session, like PostgreSQL's prepared statements.
            prepared = session.info.setdefault("prepared", {})
            try:
                driver_connection: Any = session.driver_connection
                rows: Sequence[Sequence[Any]]
                if comment := self._comment():
                    rows = driver_connection.run(statement + comment, **parameters)
                    return rows
                if statement not in prepared:
                    prepared[statement] = driver_connection.prepare(statement)
                rows = prepared[statement].run(**parameters)
            except (pg8000.Error, OSError) as error:
                raise self._translated(error, session) from error
            return rows

    def _comment(self) -> str:
        """Return the comment for the next statement. It costs 0.5 ms, so that clients get it only so often."""
        now = time.monotonic()
        comment = sql_comment() if now - self._commented_at >= COMMENT_SECONDS else ""
        if comment:
            self._commented_at = now
        return comment

    @contextmanager
    def _session(self) -> Iterator[PoolProxiedConnection]:
        """Check a session out of the pool for the duration of the block.

        Raises:
            DatabaseUnavailableError: No session is available.
        """
        if self._semaphore and not self._semaphore.acquire(POOL_TIMEOUT_SECONDS):
            raise DatabaseUnavailableError(
                f"All database connections were in use for {POOL_TIMEOUT_SECONDS:g} seconds."
            )
        try:
            session = self._check_out()
            try:
                yield session
            finally:
                session.close()
        finally:
            if self._semaphore:
                self._semaphore.release()

    def _check_out(self) -> PoolProxiedConnection:
        try:
            return self._pool.connect()
        except CredentialError as error:
            raise DatabaseUnavailableError("There is no usable credential for the database.") from error
        except (pg8000.Error, OSError) as error:
            code = sqlstate(error)
            raise DatabaseUnavailableError(_unreachable(error) if code is None else _refused(code)) from error

    def _open(self) -> Any:
        connection = self._connector.connect()
        connection.autocommit = True
        return connection

    def _translated(self, error: Exception, session: PoolProxiedConnection) -> Exception:
        """Return the exception to raise for a driver's ``error``; remove a lost session from the pool."""
        code = sqlstate(error)
        if code is None or code in _SESSION_IS_LOST:
            self._last_loss_at = time.monotonic()
            session.invalidate(error)
            if code is None:
                return SessionLostError(_unreachable(error), is_retryable=False)
            return SessionLostError(_refused(code), is_retryable=True)
        if code in _UNAVAILABLE or code[:2] in _UNAVAILABLE:
            return DatabaseUnavailableError(_LACKS_TABLES if code in _NO_TABLES else _refused(code))
        return error

    def _ping_if_suspect(self, connection: Any, record: Any, _: Any) -> None:
        """Ping the server if the session may be lost; a ping at every checkout would cost a round trip."""
        used_at = record.info.get("used_at")
        if used_at is None or (used_at > self._last_loss_at and time.monotonic() - used_at < IDLE_SECONDS):
            return
        try:
            connection.run("SELECT 1")
        except (pg8000.Error, OSError) as error:
            raise InvalidatePoolError from error

    def close(self) -> None:
        """Close all idle connections."""
        self._pool.dispose()


def open_database(settings: Settings) -> Database:
    """Return the database that ``settings`` describe, without connecting.

    Raises:
        SettingsError: The settings are not valid.
        CredentialError: The injected secret is not valid.
    """
    connector = connector_for(settings, read_timeout_seconds=READ_TIMEOUT_SECONDS)
    return Database(connector, settings.pool_size, settings.pool_recycle_seconds)


def _record_use(_: Any, record: Any) -> None:
    record.info["used_at"] = time.monotonic()


def _refused(code: str) -> str:
    return f"PostgreSQL refused with {code}."


def _unreachable(error: Exception) -> str:
    return f"The database cannot be reached ({type(error).__name__})."
