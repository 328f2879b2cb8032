"""Make a database's access what a document declares: look, lock, look again, apply, verify.

All changes are one transaction under one lock: whatever stops it, the database is as before. Two catalogs' worth of
grants at once would otherwise fail in most cases with "tuple concurrently updated". The lock is the database's, and
roles are the server's: where two databases' applies meet, one of them is tried again.
"""

import random
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import groupby

import pg8000.exceptions
from pg8000.native import Connection

from db_bootstrap import desired as declared
from db_bootstrap.diff.descriptions import undeclared
from db_bootstrap.diff.difference import difference, left
from db_bootstrap.diff.objects import waiting
from db_bootstrap.diff.preflight import refusals
from db_bootstrap.diff.statement import Statement
from db_bootstrap.diff.statements import statements
from db_bootstrap.document import AccessDocument
from db_bootstrap.errors import NotConvergedError, StatementError, UnexpectedPlanError, UnmanageableError
from db_bootstrap.inspect.extensions import OpenElsewhere
from db_bootstrap.inspect.session import describe
from db_bootstrap.inspect.snapshot import FoundAccess, database_comment, identity, look
from db_bootstrap.model import Fact
from db_bootstrap.plan_digest import plan_digest, remembered_in, remembering
from db_bootstrap.sql import identifier, literal

LOCK_KEY = 0x7461_7072_6F6F_6D00
"""The advisory lock of everybody who changes access in a database; a number of this package's own."""

LOCK_WAIT_SECONDS = 50  # less than any statement may take, see `connection`
STATEMENT_LOCK_WAIT_SECONDS = 10

ATTEMPTS = 6
"""How often an apply is tried when others change the same roles from another database, which no lock of ours covers."""

_PAUSE_SECONDS = 0.05
# Changed by somebody at the same moment; a deadlock; a role, membership or schema that somebody else made just now.
_COLLISIONS = frozenset({"XX000", "40001", "40P01", "23505", "42710"})

_ERRORS = (pg8000.exceptions.Error, OSError)


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Reviewed:
    """A plan that somebody has looked at.

    Attributes:
        host: Under which name the server is reached; see `digest.Identity`.
        digest: As `digest` gave it.
    """

    host: str
    digest: str


def plan(connection: Connection, document: AccessDocument, elsewhere: OpenElsewhere | None = None) -> Plan:
    """Compare the database with the document, without a lock and without a change.

    Args:
        connection: As the master.
        document: What shall hold.
        elsewhere: Opens other databases of the server, for the roles that are retired.

    Raises:
        StatementError: The catalogs could not be read.
    """
    found = _look(connection, document, elsewhere)
    wanted = _wanted(document, found)
    steps = statements(document, wanted, found)
    return Plan(
        steps,
        refusals(document, found, difference(document, wanted, found.facts), steps),
        (*found.unmanaged, *undeclared(left(document, wanted, found.facts)), *waiting(document, found)),
    )


def digest(connection: Connection, host: str, planned: Plan) -> str:
    """What `apply` can be held to, so that it does what ``planned`` says on this database, or nothing.

    With nothing to do it is the digest that the database remembers, of the last reviewed plan that was carried out; so
    it stays the same while nothing changes. "" if there was none.
    """
    remembered = remembered_in(database_comment(connection))
    if not planned.statements:
        return remembered
    return plan_digest(identity(connection, host), planned.statements, remembered)


def apply(
    connection: Connection,
    document: AccessDocument,
    reviewed: Reviewed | None = None,
    elsewhere: OpenElsewhere | None = None,
) -> Plan:
    """Make the database what the document declares; what was done.

    The caller holds `locked`. Everything in this database happens in one transaction, and it is committed only after a
    second look has found nothing left to do. What retired roles have in other databases goes first, in one transaction
    each. Where another database's apply changes the same role at the same moment, all is tried again.

    Args:
        connection: As the master.
        document: What shall hold.
        reviewed: The plan that was reviewed, which the database then remembers; None to do whatever is needed. Finding
            nothing to do is never a surprise, so that what was applied can be applied again.
        elsewhere: Opens other databases of the server, for the roles that are retired.

    Raises:
        UnexpectedPlanError: Something else would have to be done than was reviewed; nothing was changed.
        UnmanageableError: It cannot be done; nothing was changed.
        StatementError: The server refused a statement; nothing was changed, or what it says.
        NotConvergedError: Every statement ran and something is still different; nothing was changed.
    """
    for attempt in range(1, ATTEMPTS + 1):
        progress = _Progress()
        try:
            return _apply(connection, document, reviewed, elsewhere, progress)
        except (StatementError, NotConvergedError) as error:
            # A review is used up by what was done in other databases.
            is_used_up = reviewed is not None and bool(progress.databases)
            if attempt == ATTEMPTS or is_used_up or not _may_pass(error, attempt):
                raise
        time.sleep(random.uniform(0, _PAUSE_SECONDS * 2**attempt))  # noqa: S311 - it only keeps two from being in step
    raise AssertionError("the last attempt returns or raises")


@dataclass
class _Progress:
    """The other databases in which an attempt has committed."""

    databases: list[str] = field(default_factory=list)

    @property
    def so_far(self) -> str:
        if not self.databases:
            return "nothing was changed"
        return f"what retired roles had in {', '.join(self.databases)} is gone, and nothing else was changed"


def _apply(
    connection: Connection,
    document: AccessDocument,
    reviewed: Reviewed | None,
    elsewhere: OpenElsewhere | None,
    progress: _Progress,
) -> Plan:
    _run(connection, "BEGIN")
    try:
        todo = plan(connection, document, elsewhere)
        if todo.refusals:
            listed = "\n".join(f"- {reason}" for reason in todo.refusals)
            raise UnmanageableError(f"The document cannot be carried out; nothing was changed.\n{listed}")
        if todo.statements:
            _refuse_surprises(connection, todo, reviewed)
            for database, steps in groupby(todo.statements, key=lambda step: step.database):
                if database is not None and elsewhere is not None:
                    _run_elsewhere(elsewhere, database, list(steps), progress)
                else:
                    _run_all(connection, steps, progress)
            if reviewed is not None:
                _remember(connection, document.database, reviewed.digest)
            _verify(connection, document, elsewhere)
        _commit(connection)
    except BaseException:
        _roll_back(connection)
        raise
    return todo


def _run_all(connection: Connection, steps: Iterable[Statement], progress: _Progress) -> None:
    _run(connection, f"SET LOCAL lock_timeout = '{STATEMENT_LOCK_WAIT_SECONDS}s'")
    for step in steps:
        _run(connection, step.sql, step.reason, progress.so_far)


def _run_elsewhere(elsewhere: OpenElsewhere, database: str, steps: list[Statement], progress: _Progress) -> None:
    with elsewhere(database) as connection, locked(connection):
        _run(connection, "BEGIN")
        try:
            _run_all(connection, steps, progress)
            _commit(connection)
        except BaseException:
            _roll_back(connection)
            raise
    progress.databases.append(database)


def _may_pass(error: StatementError | NotConvergedError, attempt: int) -> bool:
    """Whether it may go another way when it is tried again: somebody changed the same at the same moment."""
    if isinstance(error, NotConvergedError):
        return attempt == 1
    return error.sqlstate in _COLLISIONS


@contextmanager
def locked(connection: Connection) -> Iterator[None]:
    """Hold the lock of everybody who changes access in this database.

    A session's lock, taken before the transaction: a snapshot taken while waiting for the lock would be out of date.

    Raises:
        StatementError: Somebody else held it for all of `LOCK_WAIT_SECONDS`.
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
    objects = declared.object_facts(document, found.server, found.groups, found.columns)
    return declared.facts(document, found.server) | objects


def _verify(connection: Connection, document: AccessDocument, elsewhere: OpenElsewhere | None) -> None:
    found = _look(connection, document, elsewhere)
    gap = difference(document, _wanted(document, found), found.facts)
    if gap or found.retiring:
        remains = [f"missing: {fact}" for fact in sorted(gap.missing, key=repr)]
        remains += [f"too much: {fact}" for fact in sorted(gap.surplus, key=repr)]
        remains += [f"not retired: {role.role}" for role in found.retiring]
        raise NotConvergedError(
            "All statements ran, and yet the database is not what the document declares; nothing was changed. Most "
            "likely somebody else changed the same at the same moment; apply again. What is left:\n"
            + "\n".join(remains[:20])
        )


def _look(connection: Connection, document: AccessDocument, elsewhere: OpenElsewhere | None) -> FoundAccess:
    try:
        return look(connection, document, elsewhere)
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


def _run(connection: Connection, sql: str, reason: str | None = None, so_far: str = "nothing was changed") -> None:
    try:
        connection.run(sql)
    except _ERRORS as error:
        message, sqlstate = describe(error)
        purpose = f" (because {reason})" if reason else ""
        refused = f"PostgreSQL refused a statement; {so_far}.\n{sql}{purpose}"
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
