"""Make a database's access what a document declares: look, lock, look again, apply, verify.

All changes are one transaction under one lock: whatever stops it, the database is as before. Two catalogs' worth of
grants at once would otherwise fail in most cases with "tuple concurrently updated".
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import attrs
import pg8000.exceptions
from pg8000.native import Connection

from db_bootstrap import declared
from db_bootstrap.access import AccessDocument
from db_bootstrap.catalog import FoundAccess, database_comment, identity, look
from db_bootstrap.connection import describe
from db_bootstrap.digest import plan_digest, remembered_in, remembering
from db_bootstrap.errors import NotConvergedError, StatementError, UnexpectedPlanError, UnmanageableError
from db_bootstrap.facts import Fact
from db_bootstrap.plan import Difference, Statement, difference, statements
from db_bootstrap.preflight import refusals
from db_bootstrap.sql import identifier, literal

LOCK_KEY = 0x7461_7072_6F6F_6D00
"""The advisory lock of everybody who changes access in a database; a number of this package's own."""

LOCK_WAIT_SECONDS = 60
STATEMENT_LOCK_WAIT_SECONDS = 10

_ERRORS = (pg8000.exceptions.Error, OSError)


@attrs.frozen
class Plan:
    """What would have to be done.

    Attributes:
        statements: In order; empty when the database is what the document declares.
        refusals: Why it cannot be done; nothing is tried unless this is empty.
        unmanaged: What was found in reach of the document and is left alone.
    """

    statements: tuple[Statement, ...]
    refusals: tuple[str, ...]
    unmanaged: tuple[str, ...]


@attrs.frozen
class Reviewed:
    """A plan that somebody has looked at.

    Attributes:
        host: Under which name the server is reached; see `digest.Identity`.
        digest: As `digest` gave it.
    """

    host: str
    digest: str


def plan(connection: Connection, document: AccessDocument) -> Plan:
    """Compare the database with the document, without a lock and without a change.

    Raises:
        StatementError: The catalogs could not be read.
    """
    found = _look(connection, document)
    gap = _gap(document, found)
    steps = statements(
        _wanted(document, found),
        found.facts,
        found.server,
        frozenset(name for name, role in found.roles.items() if role.needs_no_joining),
    )
    return Plan(steps, refusals(document, found, gap, steps), found.unmanaged)


def digest(connection: Connection, host: str, planned: Plan) -> str:
    """What `apply` can be held to, so that it does what ``planned`` says on this database, or nothing.

    With nothing to do it is the digest that the database remembers, of the last reviewed plan that was carried out; so
    it stays the same while nothing changes. "" if there was none.
    """
    remembered = remembered_in(database_comment(connection))
    if not planned.statements:
        return remembered
    return plan_digest(identity(connection, host), planned.statements, remembered)


def apply(connection: Connection, document: AccessDocument, reviewed: Reviewed | None = None) -> Plan:
    """Make the database what the document declares; what was done.

    The caller holds `locked`. Everything happens in one transaction, and it is committed only after a second look has
    found nothing left to do.

    Args:
        connection: As the master.
        document: What shall hold.
        reviewed: The plan that was reviewed, which the database then remembers; None to do whatever is needed. Finding
            nothing to do is never a surprise, so that what was applied can be applied again.

    Raises:
        UnexpectedPlanError: Something else would have to be done than was reviewed; nothing was changed.
        UnmanageableError: It cannot be done; nothing was changed.
        StatementError: The server refused a statement; nothing was changed.
        NotConvergedError: Every statement ran and something is still different; nothing was changed.
    """
    _run(connection, "BEGIN")
    try:
        todo = plan(connection, document)
        if todo.refusals:
            listed = "\n".join(f"- {reason}" for reason in todo.refusals)
            raise UnmanageableError(f"The document cannot be carried out; nothing was changed.\n{listed}")
        if todo.statements:
            _refuse_surprises(connection, todo, reviewed)
            _run(connection, f"SET LOCAL lock_timeout = '{STATEMENT_LOCK_WAIT_SECONDS}s'")
            for statement in todo.statements:
                _run(connection, statement.sql, statement.reason)
            if reviewed is not None:
                _remember(connection, document.database, reviewed.digest)
            _verify(connection, document)
        _commit(connection)
    except BaseException:
        _roll_back(connection)
        raise
    return todo


@contextmanager
def locked(connection: Connection) -> Iterator[None]:
    """Hold the lock of everybody who changes access in this database.

    A session's lock, taken before the transaction: a snapshot taken while waiting for the lock would be out of date.

    Raises:
        StatementError: Somebody else held it for a whole minute.
    """
    _run(connection, f"SET lock_timeout = '{LOCK_WAIT_SECONDS}s'")
    _run(connection, f"SELECT pg_advisory_lock({LOCK_KEY})", "one at a time changes access")
    try:
        yield
    finally:
        with suppress(*_ERRORS):  # a connection that broke has given its lock back already
            connection.run(f"SELECT pg_advisory_unlock({LOCK_KEY})")


def _refuse_surprises(connection: Connection, todo: Plan, reviewed: Reviewed | None) -> None:
    if reviewed is None:
        return
    found = digest(connection, reviewed.host, todo)
    if found != reviewed.digest:
        raise UnexpectedPlanError(
            f"What would run now is not what was planned: expected digest {reviewed.digest}, found {found} for "
            f"{len(todo.statements)} statement(s). The document or the database has changed since, or it is another "
            "database; nothing was changed. Run plan again, and apply with its digest."
        )


def _remember(connection: Connection, database: str, carried_out: str) -> None:
    comment = remembering(database_comment(connection), carried_out)
    _run(connection, f"COMMENT ON DATABASE {identifier(database)} IS {literal(comment)}", "the plan was reviewed")


def _wanted(document: AccessDocument, found: FoundAccess) -> frozenset[Fact]:
    return declared.facts(document, found.server) | declared.object_facts(document, found.server, found.groups)


def _gap(document: AccessDocument, found: FoundAccess) -> Difference:
    return difference(_wanted(document, found), found.facts)


def _verify(connection: Connection, document: AccessDocument) -> None:
    gap = _gap(document, _look(connection, document))
    if gap:
        left = [f"missing: {fact}" for fact in sorted(gap.missing, key=repr)]
        left += [f"too much: {fact}" for fact in sorted(gap.surplus, key=repr)]
        raise NotConvergedError(
            "All statements ran, and yet the database is not what the document declares; nothing was changed. Most "
            "likely somebody else granted what only they can revoke. What is left:\n" + "\n".join(left[:20])
        )


def _look(connection: Connection, document: AccessDocument) -> FoundAccess:
    try:
        return look(connection, document)
    except _ERRORS as error:
        message, sqlstate = describe(error)
        raise StatementError(
            f"The catalogs could not be read; nothing was changed.\n{message}{_remedy(sqlstate)}", sqlstate
        ) from None


def _commit(connection: Connection) -> None:
    try:
        connection.run("COMMIT")
    except _ERRORS as error:
        message, sqlstate = describe(error)
        raise StatementError(
            f"The commit was not confirmed: all is done, or nothing. Apply again, which finds out.\n{message}",
            sqlstate,
        ) from None


def _run(connection: Connection, sql: str, reason: str | None = None) -> None:
    try:
        connection.run(sql)
    except _ERRORS as error:
        message, sqlstate = describe(error)
        purpose = f" (because {reason})" if reason else ""
        refused = f"PostgreSQL refused a statement; nothing was changed.\n{sql}{purpose}"
        raise StatementError(f"{refused}\n{message}{_remedy(sqlstate)}", sqlstate) from None


def _remedy(sqlstate: str) -> str:
    match sqlstate:
        case "55P03":
            return "\nSomebody held a lock for too long; apply again when the database is less busy."
        case "XX000":  # "tuple concurrently updated": others take no lock of ours
            return "\nMost likely somebody changed the same thing at the same moment; apply again."
        case "42501":
            return "\nThe master lacks a right that it needs; grant it, or take the entry out of the document."
        case "":
            return "\nThe connection broke; apply again."
        case _:
            return ""


def _roll_back(connection: Connection) -> None:
    with suppress(*_ERRORS):  # when the connection broke, the server rolls back by itself
        connection.run("ROLLBACK")
