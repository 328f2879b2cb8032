"""The service's connections to PostgreSQL: one bounded pool a process, and one error for all the ways to be without.

Each request is one statement, so every statement commits by itself: no transaction is ever left open, and a retry
never repeats half of something.
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
from app.database.semaphore import Turns
from app.settings import Settings

# Longer than the statement_timeout that the login carries (5 s), so that normally the server ends a slow statement.
READ_TIMEOUT_SECONDS = 10.0
POOL_TIMEOUT_SECONDS = 3.0
# A session that was in use a moment ago is taken to be alive.
IDLE_SECONDS = 1.0

# After these the session is gone, or belongs to a server that is no longer the primary.
_SESSION_IS_LOST = frozenset({"25006", "57P01", "57P02", "57P03", "57P05"})

# undefined_table, undefined_column, invalid_schema_name
_NO_TABLES = frozenset({"42P01", "42703", "3F000"})
_LACKS_TABLES = (
    "The database lacks tables or columns that this version of the service needs. Run `python -m app migrate`; "
    "if a newer version has removed them, deploy the newer version."
)

# A statement that fails with these, by class (two letters) or code, may succeed later: connection exceptions,
# exhausted resources, operator intervention (which a statement timeout is), a lock that is not to be had, a server
# that is read-only, and tables that do not exist (yet). Whatever PostgreSQL says to a login counts as unavailable.
_UNAVAILABLE = frozenset({"08", "53", "57", "55P03", "25006"}) | _NO_TABLES


class DatabaseUnavailableError(Exception):
    """The database cannot answer at the moment; trying again later may help.

    Attributes:
        reason: one sentence for the log and for the readiness probe, without any secret.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SessionLostError(DatabaseUnavailableError):
    """The session broke while a statement was under way; another one may do.

    Attributes:
        was_announced: PostgreSQL said so itself instead of carrying the statement out. Where it says nothing, nobody
            knows whether it was carried out.
    """

    def __init__(self, reason: str, *, was_announced: bool) -> None:
        super().__init__(reason)
        self.was_announced = was_announced


class Database:
    """A pool of connections, opened when they are first needed.

    The pool is SQLAlchemy's, and all that is used of it: statements go to pg8000 as they are.
    """

    def __init__(self, connector: Connector, pool_size: int, pool_recycle_seconds: int = 900) -> None:
        """Make a pool of ``pool_size`` connections, or none at all if that is 0.

        A session outlives the rotation of its password; ``pool_recycle_seconds`` bounds for how long.
        """
        self._connector = connector
        self._turns = Turns(pool_size) if pool_size else None
        # There is nothing to reset: a session never has a transaction, nor settings other than its login's.
        self._pool: Pool = (
            QueuePool(
                self._open, pool_size=pool_size, max_overflow=0, recycle=pool_recycle_seconds, reset_on_return=None
            )
            if pool_size
            else NullPool(self._open, reset_on_return=None)
        )
        self._doubted_at = float("-inf")
        event.listen(self._pool, "checkin", _note_use)
        event.listen(self._pool, "checkout", self._ping_if_in_doubt)

    def read(self, statement: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """The rows of ``statement``, which changes nothing: if the session breaks, it is run once more in another.

        Raises:
            DatabaseUnavailableError: there is no connection, or it broke twice, or the server is too busy.
        """
        try:
            return self._run(statement, parameters)
        except SessionLostError:
            return self._run(statement, parameters)

    def write(self, statement: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """The rows of ``statement``, which changes something: it is run once more only if it was not carried out.

        Raises:
            DatabaseUnavailableError: there is no connection, or it broke, or the server is too busy.
        """
        try:
            return self._run(statement, parameters)
        except SessionLostError as error:
            if not error.was_announced:
                raise
            return self._run(statement, parameters)

    def _run(self, statement: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """The rows that ``statement`` gives for ``parameters``, which stand in it as ``:name``.

        PostgreSQL prepares it once for each connection. That saves two of three trips to the server and most of the
        time for planning, which for a page of beers is more than half of all the work.

        Raises:
            DatabaseUnavailableError: there is no connection, or it broke, or the server is too busy.
        """
        with self._session() as session:
            # Forgotten with the session, as PostgreSQL forgets what it has prepared.
            prepared = session.info.setdefault("prepared", {})
            try:
                if statement not in prepared:
                    driver_connection: Any = session.driver_connection
                    prepared[statement] = driver_connection.prepare(statement)
                rows: Sequence[Sequence[Any]] = prepared[statement].run(**parameters)
            except (pg8000.Error, OSError) as error:
                raise self._meaning(error, session) from error
            return rows

    @contextmanager
    def _session(self) -> Iterator[PoolProxiedConnection]:
        """A session of the pool's for the length of the block.

        Raises:
            DatabaseUnavailableError: there is none to be had.
        """
        if self._turns and not self._turns.take(POOL_TIMEOUT_SECONDS):
            raise DatabaseUnavailableError(
                f"All database connections were in use for {POOL_TIMEOUT_SECONDS:g} seconds."
            )
        try:
            session = self._checked_out()
            try:
                yield session
            finally:
                session.close()
        finally:
            if self._turns:
                self._turns.give_back()

    def _checked_out(self) -> PoolProxiedConnection:
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

    def _meaning(self, error: Exception, session: PoolProxiedConnection) -> Exception:
        """What is to be raised instead of a driver's ``error``; a session that is lost leaves the pool."""
        code = sqlstate(error)
        if code is None or code in _SESSION_IS_LOST:
            self._doubted_at = time.monotonic()
            session.invalidate(error)
            if code is None:
                return SessionLostError(_unreachable(error), was_announced=False)
            return SessionLostError(_refused(code), was_announced=True)
        if code in _UNAVAILABLE or code[:2] in _UNAVAILABLE:
            return DatabaseUnavailableError(_LACKS_TABLES if code in _NO_TABLES else _refused(code))
        return error

    def _ping_if_in_doubt(self, connection: Any, record: Any, _: Any) -> None:
        """Ask the server for a sign of life where the session may be lost; to do so each time would cost a trip."""
        used_at = record.info.get("used_at")
        if used_at is None or (used_at > self._doubted_at and time.monotonic() - used_at < IDLE_SECONDS):
            return
        try:
            connection.run("SELECT 1")
        except (pg8000.Error, OSError) as error:
            raise InvalidatePoolError from error

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._pool.dispose()


def open_database(settings: Settings) -> Database:
    """The database that ``settings`` describe; nothing is connected yet.

    Raises:
        SettingsError: the settings are of no use.
        CredentialError: the injected secret is of no use.
    """
    connector = connector_for(settings, read_timeout_seconds=READ_TIMEOUT_SECONDS)
    return Database(connector, settings.pool_size, settings.pool_recycle_seconds)


def _note_use(_: Any, record: Any) -> None:
    record.info["used_at"] = time.monotonic()


def _refused(code: str) -> str:
    return f"PostgreSQL refused with {code}."


def _unreachable(error: Exception) -> str:
    return f"The database cannot be reached ({type(error).__name__})."
