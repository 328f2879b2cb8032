"""Make a database's access what a document declares: lock, plan, run, verify.

All changes are one transaction under one lock: if anything stops it, the database is as before. Without the lock, two
applies at once would mostly fail with "tuple concurrently updated". The lock belongs to the database, and roles belong
to the server: if the applies of two databases conflict, one of them is retried.
"""

import random
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import field
from itertools import groupby

from db_bootstrap.diff.descriptions import join_names
from db_bootstrap.document.model import AccessDocument
from db_bootstrap.errors import NotConvergedError, StatementError, UnexpectedPlanError, UnmanageableError
from db_bootstrap.inspect.session import OpenElsewhere, Session
from db_bootstrap.inspect.snapshot import read_database_comment
from db_bootstrap.model import Difference, Membership, Plan, Server, Statement, sorted_facts
from db_bootstrap.plan import digest_for, make_plan, read_difference
from db_bootstrap.plan_digest import with_stored_digest
from db_bootstrap.sql import identifier, literal
from db_bootstrap.values import dataclass

LOCK_KEY = 0x7461_7072_6F6F_6D00
"""The advisory lock for changes of access in a database; an arbitrary number of this package."""

LOCK_WAIT_SECONDS = 50  # less than the timeout of statements, see `session`
STATEMENT_LOCK_WAIT_SECONDS = 10

_TIMEOUTS = frozenset({"55P03", "57014"})  # of the wait for a lock, and of the statement that waits

# The start of a session can be hidden from a master that is not a member of pg_monitor.
_HOLDERS = f"""
SELECT a.pid, a.usename, a.application_name, coalesce(to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS TZ'), 'unknown')
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.classid = {LOCK_KEY >> 32} AND l.objid = {LOCK_KEY & 0xFFFFFFFF}
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""  # noqa: S608 - a constant

ATTEMPTS = 6
"""Attempts of an apply if others change the same roles from another database, which has another lock."""

_PAUSE_SECONDS = 0.05
# A concurrent change; a deadlock; a role, membership or schema that another session has just created.
_CONFLICTS = frozenset({"XX000", "40001", "40P01", "23505", "42710"})

_UNCONFIRMED = "The commit was not confirmed: either all changes were made or none. Apply again to find out."


@dataclass(frozen=True)
class ReviewedPlan:
    """A plan that was reviewed.

    Attributes:
        host: The name under which the server is reached; see `plan_digest.Identity`.
        digest: The digest that `plan.digest_for` returned.
    """

    host: str
    digest: str


def apply(
    session: Session,
    document: AccessDocument,
    reviewed: ReviewedPlan | None = None,
    elsewhere: OpenElsewhere | None = None,
) -> Plan:
    """Make the database what the document declares, and return what was done.

    The caller holds `locked`. All changes in this database are one transaction, which commits only after a second
    snapshot shows no difference. Dependencies of retired roles in other databases go first, in one transaction each. If
    the apply of another database changes the same role at the same moment, everything is retried.

    Args:
        session: As the master.
        document: The desired access.
        reviewed: The plan that was reviewed, whose digest the database then stores; None to do all that is needed. An
            empty plan always passes, so that a reviewed plan can be applied again.
        elsewhere: Opens other databases of the server, for the retired roles.

    Raises:
        UnexpectedPlanError: The plan is not the reviewed one; nothing was changed.
        UnmanageableError: The plan cannot run; nothing was changed.
        StatementError: The server refused a statement; nothing was changed, except what the message says.
        NotConvergedError: Every statement ran and a difference remains; nothing was changed.
    """
    for attempt in range(1, ATTEMPTS + 1):
        progress = _Progress()
        try:
            return _apply(session, document, reviewed, elsewhere, progress)
        except (StatementError, NotConvergedError) as error:
            # Commits in other databases have changed the plan, so it is no longer the reviewed one.
            is_outdated = reviewed is not None and bool(progress.databases)
            if attempt == ATTEMPTS or is_outdated or not _is_transient(error, attempt):
                raise
        time.sleep(random.uniform(0, _PAUSE_SECONDS * 2**attempt))  # noqa: S311 - jitter
    raise AssertionError("the last attempt returns or raises")


@dataclass(frozen=True)
class _Progress:
    """The other databases in which an attempt has committed."""

    databases: list[str] = field(default_factory=list)

    @property
    def so_far(self) -> str:
        if not self.databases:
            return "nothing was changed"
        return f"the dependencies of retired roles in {', '.join(self.databases)} are gone; nothing else was changed"


def _apply(
    session: Session,
    document: AccessDocument,
    reviewed: ReviewedPlan | None,
    elsewhere: OpenElsewhere | None,
    progress: _Progress,
) -> Plan:
    with session.transaction(_UNCONFIRMED):
        planned = make_plan(session, document, elsewhere)
        if planned.refusals:
            listed = "\n".join(f"- {reason}" for reason in planned.refusals)
            raise UnmanageableError(f"The document cannot be applied; nothing was changed.\n{listed}")
        if planned.statements:
            _check_review(session, planned, reviewed)
            for database, steps in groupby(planned.statements, key=lambda step: step.database):
                if database is not None and elsewhere is not None:
                    _run_elsewhere(elsewhere, database, list(steps), progress)
                else:
                    _run_all(session, steps, progress)
            if reviewed is not None:
                _store_digest(session, document.database, reviewed.digest)
            _verify(session, document, elsewhere)
    return planned


def _run_all(session: Session, steps: Iterable[Statement], progress: _Progress) -> None:
    for step in steps:
        _run(session, step.sql, step.reason, progress.so_far)


def _run_elsewhere(elsewhere: OpenElsewhere, database: str, steps: list[Statement], progress: _Progress) -> None:
    with elsewhere(database) as session, locked(session), session.transaction(_UNCONFIRMED):
        _run_all(session, steps, progress)
    progress.databases.append(database)


def _is_transient(error: StatementError | NotConvergedError, attempt: int) -> bool:
    """Return True if another attempt may succeed, because another session changed the same at the same moment."""
    if isinstance(error, NotConvergedError):
        return attempt == 1
    return error.sqlstate in _CONFLICTS


@contextmanager
def locked(session: Session) -> Iterator[None]:
    """Hold the lock for changes of access in this database.

    It is a session lock, taken before the transaction: a snapshot taken while waiting for it would be out of date.

    Raises:
        StatementError: Another session held it for all of `LOCK_WAIT_SECONDS`; the message names that session.
    """
    _run(session, f"SET lock_timeout = '{LOCK_WAIT_SECONDS}s'")
    try:
        _run(session, f"SELECT pg_advisory_lock({LOCK_KEY})", "only one session at a time changes access")
    except StatementError as error:
        if error.sqlstate not in _TIMEOUTS:
            raise
        raise StatementError(_describe_holders(session), error.sqlstate) from None
    _run(session, f"SET lock_timeout = '{STATEMENT_LOCK_WAIT_SECONDS}s'")
    try:
        yield
    finally:
        with suppress(StatementError):  # a broken connection has released its lock already
            session.run(f"SELECT pg_advisory_unlock({LOCK_KEY})")


def _describe_holders(session: Session) -> str:
    holders = session.run(_HOLDERS)
    named = [
        f"pid {pid} of {user!r}, application {application!r}, connected since {since}: "
        f"SELECT pg_terminate_backend({pid});"
        for pid, user, application, since in holders
    ]
    return (
        "Another session holds the lock for changes of access in this database; nothing was changed. Wait for it, or "
        "end it with the statement below; then apply again.\n" + "\n".join(named or ["It has ended since."])
    )


def _check_review(session: Session, planned: Plan, reviewed: ReviewedPlan | None) -> None:
    if reviewed is None:
        return
    actual = digest_for(session, reviewed.host, planned)
    if actual != reviewed.digest:
        raise UnexpectedPlanError(
            f"The plan is not the reviewed one: expected digest {reviewed.digest}, actual {actual} for "
            f"{len(planned.statements)} statement(s). The document or the database has changed since, or it is another "
            "database; nothing was changed. Run plan again, and apply with its digest."
        )


def _store_digest(session: Session, database: str, reviewed: str) -> None:
    comment = with_stored_digest(read_database_comment(session), reviewed)
    _run(session, f"COMMENT ON DATABASE {identifier(database)} IS {literal(comment)}", "the plan was reviewed")


def _verify(session: Session, document: AccessDocument, elsewhere: OpenElsewhere | None) -> None:
    snapshot, _, difference = read_difference(session, document, elsewhere)
    if difference or snapshot.retired_roles:
        remaining = [f"missing: {fact}" for fact in sorted(difference.missing, key=repr)]
        remaining += [f"not declared: {fact}" for fact in sorted(difference.surplus, key=repr)]
        remaining += [f"not retired: {role.role}" for role in snapshot.retired_roles]
        raise NotConvergedError(
            "All statements ran, but the database is not what the document declares; nothing was changed. Most likely "
            "another session changed the same at the same moment; apply again. Remaining differences:\n"
            + "\n".join(remaining[:20])
            + _remedy_of_memberships(difference, snapshot.server)
        )


def _remedy_of_memberships(difference: Difference, server: Server) -> str:
    kept = {fact for fact in sorted_facts(difference.surplus, Membership) if server.superusers & set(fact.grantors)}
    if not kept:
        return ""
    members = join_names(sorted({repr(fact.member) for fact in kept}))
    return (
        f"\nOnly {join_names(sorted(server.superusers))} can revoke a membership that it granted, and no customer of "
        f"RDS can act as rdsadmin. Drop the role {members}, which ends all its memberships, or declare the "
        "membership; then apply again."
    )


def _run(session: Session, sql: str, reason: str | None = None, so_far: str = "nothing was changed") -> None:
    purpose = f" (because {reason})" if reason else ""
    session.run(sql, failure=f"PostgreSQL refused a statement; {so_far}.\n{sql}{purpose}")
