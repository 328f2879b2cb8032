"""The service's connections to PostgreSQL: one bounded pool for each process, and one error for every outage.

Each request runs one statement in autocommit mode: no transaction is ever left open, and a retry never repeats a part
of one.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pg8000

from app.database.connector import Connection, Connector, connector_for, sqlstate
from app.database.credentials import CredentialError
from app.database.semaphore import FairSemaphore
from app.logs import database_time, request_deadline, sql_comment
from app.settings import Settings

# Longer than the statement_timeout that the login carries (5 s), so that normally the server ends a slow statement.
READ_TIMEOUT_SECONDS = 8.0
POOL_TIMEOUT_SECONDS = 3.0
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
        is_retryable: Whether the statement was certainly not executed: it could not be sent, or PostgreSQL reported the
            loss instead.
    """

    def __init__(self, reason: str, *, is_retryable: bool) -> None:
        super().__init__(reason)
        self.is_retryable = is_retryable


class Database:
    """A pool of connections, opened on first use; the one that was used last is used first."""

    def __init__(self, connector: Connector, pool_size: int, pool_recycle_seconds: int = 900) -> None:
        """Create a pool of ``pool_size`` connections; with 0, every statement opens a connection.

        A session outlives the rotation of its password; ``pool_recycle_seconds`` limits for how long.
        """
        self._connector = connector
        self._semaphore = FairSemaphore(pool_size) if pool_size else None
        self._recycle_seconds = pool_recycle_seconds
        self._idle: list[Connection] = []
        self._commented_at = float("-inf")

    def read(self, statement: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """Return the rows of ``statement``, which only reads: if the session breaks, run it again in another.

        Raises:
            DatabaseUnavailableError: There is no connection, or it broke twice, or the server is too busy.
        """
        return self._run_again(statement, parameters, is_repeatable=True)

    def write(self, statement: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """Return the rows of ``statement``, which writes: run it again only if it was certainly not executed.

        Raises:
            DatabaseUnavailableError: There is no connection, or it broke, or the server is too busy.
        """
        return self._run_again(statement, parameters, is_repeatable=False)

    def _run_again(
        self, statement: str, parameters: Mapping[str, object], *, is_repeatable: bool
    ) -> Sequence[Sequence[Any]]:
        deadline = request_deadline()
        with database_time():
            try:
                return self._run(statement, parameters, deadline)
            except SessionLostError as error:
                if not (is_repeatable or error.is_retryable):
                    raise
                return self._run(statement, parameters, deadline)

    def _run(self, statement: str, parameters: Mapping[str, object], deadline: float) -> Sequence[Sequence[Any]]:
        """Return the rows of ``statement`` for ``parameters``, whose placeholders are ``:name``.

        PostgreSQL prepares it once for each connection. That saves two of three round trips and most of the planning,
        which for a page of beers is more than half of all the work.

        Raises:
            DatabaseUnavailableError: There is no connection, or it broke, or the server is too busy.
        """
        with self._session(deadline) as session:
            session.sock.deadline = min(deadline, time.monotonic() + READ_TIMEOUT_SECONDS)
            try:
                rows: Sequence[Sequence[Any]]
                if comment := self._comment():
                    rows = session.run(statement + comment, **parameters)
                    return rows
                if statement not in session.prepared:
                    session.prepared[statement] = session.prepare(statement)
                rows = session.prepared[statement].run(**parameters)
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
    def _session(self, deadline: float) -> Iterator[Connection]:
        """Check a session out of the pool for the duration of the block.

        Raises:
            DatabaseUnavailableError: No session is available.
        """
        wait_seconds = max(0.0, min(POOL_TIMEOUT_SECONDS, deadline - time.monotonic()))
        if self._semaphore and not self._semaphore.acquire(wait_seconds):
            raise DatabaseUnavailableError(f"All database connections were in use for {wait_seconds:.2g} seconds.")
        try:
            session = self._check_out(deadline)
            try:
                yield session
            finally:
                self._check_in(session)
        finally:
            if self._semaphore:
                self._semaphore.release()

    def _check_out(self, deadline: float) -> Connection:
        while self._idle:
            try:
                session = self._idle.pop()
            except IndexError:
                break  # another thread took the last one
            if session.is_alive and time.monotonic() - session.opened_at < self._recycle_seconds:
                return session
            session.close()
        try:
            session = self._connector.connect(deadline)
        except CredentialError as error:
            raise DatabaseUnavailableError("There is no usable credential for the database.") from error
        except (pg8000.Error, OSError) as error:
            code = sqlstate(error)
            raise DatabaseUnavailableError(_unreachable(error) if code is None else _refused(code)) from error
        session.autocommit = True
        return session

    def _check_in(self, session: Connection) -> None:
        if self._semaphore and not session.is_lost:
            self._idle.append(session)
            return
        session.close()
        if session.is_lost:
            self.close()  # the others are likely to be lost too

    def _translated(self, error: Exception, session: Connection) -> Exception:
        """Return the exception to raise for a driver's ``error``."""
        code = sqlstate(error)
        if code is None or code in _SESSION_IS_LOST:
            session.is_lost = True
            reason = _unreachable(error) if code is None else _refused(code)
            return SessionLostError(reason, is_retryable=code is not None or session.sock.has_failed_to_send)
        if code in _UNAVAILABLE or code[:2] in _UNAVAILABLE:
            return DatabaseUnavailableError(_LACKS_TABLES if code in _NO_TABLES else _refused(code))
        return error

    def close(self) -> None:
        """Close all idle connections."""
        while self._idle:
            with contextlib.suppress(IndexError):
                self._idle.pop().close()


def open_database(settings: Settings) -> Database:
    """Return the database that ``settings`` describe, without connecting.

    Raises:
        SettingsError: The settings are not valid.
        CredentialError: The injected secret is not valid.
    """
    return Database(connector_for(settings), settings.pool_size, settings.pool_recycle_seconds)


def _refused(code: str) -> str:
    return f"PostgreSQL refused with {code}."


def _unreachable(error: Exception) -> str:
    return f"The database cannot be reached ({type(error).__name__})."
