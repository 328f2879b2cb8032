"""The service's connections to PostgreSQL: one bounded pool for each process, and one error for every outage.

Each request runs one statement in autocommit mode: no transaction is ever left open, and a retry never repeats a part
of one.
"""

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pg8000

from app.aws import SecretError
from app.database.connector import Connection, Connector, sqlstate
from app.database.semaphore import FairSemaphore
from app.logs import database_time, request_deadline, sql_comment

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
    """The database is unavailable; a later retry may succeed. The message is for the log and contains no secret."""


class Database:
    """A pool of connections, opened on first use; the one that was used last is used first."""

    def __init__(self, connector: Connector, pool_size: int, pool_recycle_seconds: int = 900) -> None:
        """Create a pool of ``pool_size`` connections; with 0, every statement opens a connection.

        A session outlives the rotation of its password; ``pool_recycle_seconds`` limits for how long.
        """
        self._connector = connector
        self._semaphore = FairSemaphore(pool_size or sys.maxsize)
        self._is_pooling = pool_size > 0
        self._recycle_seconds = pool_recycle_seconds
        self._idle: list[Connection] = []
        self._commented_at = float("-inf")

    def run(
        self, statement: str, parameters: Mapping[str, object], *, is_write: bool = False
    ) -> Sequence[Sequence[Any]]:
        """Return the rows of ``statement`` for ``parameters``, whose placeholders are ``:name``.

        If the session breaks, run it again in another; a write only if it was certainly not executed: it could not be
        sent, or PostgreSQL reported the loss instead.

        Raises:
            DatabaseUnavailableError: There is no connection, or it broke, or the server is too busy.
        """
        deadline = request_deadline()
        is_first = True
        with database_time():
            while True:
                with self._session(deadline) as session:
                    try:
                        return self._rows(session, statement, parameters, deadline)
                    except (pg8000.Error, OSError) as error:
                        code = sqlstate(error)
                        session.is_lost = code is None or code in _SESSION_IS_LOST
                        is_repeatable = not is_write or code is not None or session.sock.has_failed_to_send
                        if is_first and session.is_lost and is_repeatable:
                            is_first = False
                        elif code is None or not _UNAVAILABLE.isdisjoint({code, code[:2]}):
                            raise DatabaseUnavailableError(_reason(error, code)) from error
                        else:
                            raise

    def _rows(
        self, session: Connection, statement: str, parameters: Mapping[str, object], deadline: float
    ) -> Sequence[Sequence[Any]]:
        """Return the rows of ``statement``.

        PostgreSQL prepares it once for each connection. That saves two of three round trips and most of the planning,
        which for a page of beers is more than half of all the work.
        """
        session.sock.deadline = min(deadline, time.monotonic() + READ_TIMEOUT_SECONDS)
        rows: Sequence[Sequence[Any]]
        if comment := self._comment():
            rows = session.run(statement + comment, **parameters)
            return rows
        if statement not in session.prepared:
            session.prepared[statement] = session.prepare(statement)
        rows = session.prepared[statement].run(**parameters)
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
        """Check a session out of the pool for the duration of the block, or raise DatabaseUnavailableError."""
        wait_seconds = max(0.0, min(POOL_TIMEOUT_SECONDS, deadline - time.monotonic()))
        if not self._semaphore.acquire(wait_seconds):
            raise DatabaseUnavailableError(f"All database connections were in use for {wait_seconds:.2g} seconds.")
        try:
            session = self._known_session() or self._new_session(deadline)
            try:
                yield session
            finally:
                if self._is_pooling and not session.is_lost:
                    self._idle.append(session)
                else:
                    session.close()
                if session.is_lost:
                    self.close()  # the others are likely to be lost too
        finally:
            self._semaphore.release()

    def _known_session(self) -> Connection | None:
        while session := self._pop():
            if session.is_alive and time.monotonic() - session.opened_at < self._recycle_seconds:
                return session
            session.close()
        return None

    def _new_session(self, deadline: float) -> Connection:
        try:
            session = self._connector.connect(deadline)
        except SecretError as error:
            raise DatabaseUnavailableError("There is no usable credential for the database.") from error
        except (pg8000.Error, OSError) as error:
            raise DatabaseUnavailableError(_reason(error, sqlstate(error))) from error
        session.autocommit = True
        return session

    def _pop(self) -> Connection | None:
        with contextlib.suppress(IndexError):
            return self._idle.pop()
        return None

    def close(self) -> None:
        """Close all idle connections."""
        while session := self._pop():
            session.close()


def _reason(error: Exception, code: str | None) -> str:
    if code is None:
        return f"The database cannot be reached ({type(error).__name__})."
    return _LACKS_TABLES if code in _NO_TABLES else f"PostgreSQL refused with {code}."
