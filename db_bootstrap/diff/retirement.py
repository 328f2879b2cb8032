"""Statements that retire roles: reassign or drop what they own, revoke their access, and drop them.

A role belongs to the server, and may own objects in any database. Each other database comes first, in a separate
transaction; the document's own comes last, with ``DROP ROLE``. If an apply is killed in between, the next continues.
"""

from collections.abc import Iterable, Iterator

from db_bootstrap.diff.descriptions import join_names
from db_bootstrap.document.model import AccessDocument
from db_bootstrap.model import DependencyKind, RetiredRole, Statement
from db_bootstrap.sql import identifier, identifiers, literal

SESSION_TIMEOUT_MILLISECONDS = 5000
"""The time that a session has to end."""


def revoke_as_grantors(retired: Iterable[RetiredRole], database: str | None = None) -> Iterator[Statement]:
    """Revoke what others than the owners granted: ``DROP OWNED`` acts as the owner, and only the grantor can.

    This comes first: later statements may take the grantor's option, or make it act as the owner.
    """
    objects_of: dict[str, list[tuple[str, str]]] = {}
    for role in retired:
        for grant in role.of_kind(DependencyKind.GRANTED_BY_ANOTHER):
            if grant.database == database and grant.owner and grant.what:
                objects_of.setdefault(grant.owner, []).append((grant.what, role.role))
    for grantor, objects in sorted(objects_of.items()):
        acts_as = frozenset({grantor})
        yield Statement(f"SET LOCAL ROLE {identifier(grantor)}", "only the grantor can revoke this", acts_as=acts_as)
        for privileges, grantee in sorted(objects):  # not ALL, which the grantor of some cannot revoke on a sequence
            yield Statement(
                f"REVOKE {privileges} FROM {identifier(grantee)} CASCADE",
                f"{grantor} granted it to {grantee}, which is retired",
                is_destructive=True,
                acts_as=acts_as,
            )
        yield Statement("RESET ROLE", "the rest needs the rights of the master")


def elsewhere(document: AccessDocument, retired: Iterable[RetiredRole], database: str) -> Iterator[Statement]:
    """Reassign and drop what they have in another database."""
    yield from revoke_as_grantors(retired, database)
    for role in retired:
        yield from reassign_owned(document, role, database)
        yield from drop_owned(document, role, database)


def end_sessions(document: AccessDocument, retired: Iterable[RetiredRole]) -> Iterator[Statement]:
    """End their sessions, even if there are none now: some may begin between plan and apply."""
    for role in retired:
        if document.retired[role.role].terminate_sessions:
            ended = f"SELECT pg_catalog.pg_terminate_backend(pid, {SESSION_TIMEOUT_MILLISECONDS})"
            yield Statement(
                f"{ended} FROM pg_catalog.pg_stat_activity WHERE usename = {literal(role.role)}",
                f"role {role.role} is retired, and its sessions end; THEIR WORK IS LOST",
                is_destructive=True,
                acts_as=frozenset({role.role}),
            )


def drop_roles(retired: Iterable[RetiredRole]) -> Iterator[Statement]:
    """Drop the roles, in one statement because they may have granted each other's memberships."""
    names = sorted(role.role for role in retired)
    if names:
        yield Statement(f"DROP ROLE {identifiers(names)}", f"retired: {', '.join(names)}", is_destructive=True)


def reassign_owned(document: AccessDocument, role: RetiredRole, database: str | None) -> Iterator[Statement]:
    """Give what it owns in a database, or in the document's and as shared objects, to its successor."""
    successor = document.retired[role.role].reassign_to
    if successor is None or not role.owned().get(database):
        return
    needs = [need for need in role.of_kind(DependencyKind.NEEDS_CREATE) if need.database == database]
    places = sorted({(need.what or "", need.owner or "") for need in needs})
    for place, owner in places:
        yield Statement(
            f"GRANT CREATE ON {place} TO {identifier(successor)}",
            f"{successor} must have CREATE on {place} to get what {role.role} owns",
            acts_as=frozenset({owner}),
            is_bookkeeping=True,
        )
    code = sorted(code.what or "" for code in role.of_kind(DependencyKind.CODE) if code.database == database)
    yield Statement(
        f"REASSIGN OWNED BY {identifier(role.role)} TO {identifier(successor)}",
        f"role {role.role} is retired, and what it owns goes to {successor}"
        + (f"; THESE CAN THEN RUN CODE WITH THE RIGHTS OF {successor}: {join_names(code)}" if code else ""),
        is_destructive=True,
        acts_as=frozenset({role.role, successor}),
    )
    for place, owner in places:
        # A schema of the retired role belongs to the successor now, who can create in it as its owner.
        if owner != role.role:
            yield Statement(
                f"REVOKE CREATE ON {place} FROM {identifier(successor)}",
                f"{successor} no longer needs it",
                acts_as=frozenset({owner}),
                is_bookkeeping=True,
            )


def drop_owned(document: AccessDocument, role: RetiredRole, database: str | None) -> Iterator[Statement]:
    """Drop or revoke what it still has there."""
    dependencies = [dependency for dependency in role.dependencies if dependency.database == database]
    if not dependencies:
        return
    reason = f"role {role.role} is retired, and loses its access"
    if document.retired[role.role].drop_owned and role.owned().get(database):
        where = document.database if database is None else database
        reason += f"; WHAT IT OWNS IN {where} IS DROPPED, DATA INCLUDED"
    owners = {grant.owner for grant in dependencies if grant.kind is DependencyKind.GRANTED and grant.owner is not None}
    yield Statement(
        f"DROP OWNED BY {identifier(role.role)}", reason, is_destructive=True, acts_as=frozenset({role.role, *owners})
    )
