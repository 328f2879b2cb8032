"""The end of a role: what it owns goes to somebody else or is dropped, its access goes, and then it goes itself.

Pure. A role is the server's, and what it has may be in any database. Each other database comes first, in a transaction
of its own; the document's own comes last, with ``DROP ROLE``. Killed in between, the next run finds what is left.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from db_bootstrap.diff.statement import Statement
from db_bootstrap.document import AccessDocument
from db_bootstrap.sql import identifier, literal

SESSION_PATIENCE_MILLISECONDS = 5000
"""How long a session may take to end."""


@dataclass(frozen=True)
class Holding:
    """What a retired role has in one database, or that belongs to none.

    Attributes:
        database: The database; None for the document's own, and for what belongs to none.
        is_owned: Whether it owns it; otherwise it was granted.
        is_database: Whether it is a database.
        owner: Without whom the grant cannot be taken back, or whose the schema is; None if it needs nobody.
        schema: Of something owned: where the heir must be able to create, and cannot, to get it.
    """

    database: str | None
    is_owned: bool
    is_database: bool
    owner: str | None
    schema: str | None
    count: int


@dataclass(frozen=True)
class Retiring:
    """A retired role that there still is.

    Attributes:
        sessions: How many it has.
        holdings: What it has, in all databases of the server.
        unread: Databases that it has something in and that could not be looked at, with the reason.
    """

    role: str
    is_superuser: bool
    sessions: int
    holdings: tuple[Holding, ...]
    unread: tuple[tuple[str, str], ...] = ()

    def owned(self) -> dict[str | None, int]:
        """How many objects it owns, by database."""
        counted: dict[str | None, int] = {}
        for holding in self.holdings:
            if holding.is_owned:
                counted[holding.database] = counted.get(holding.database, 0) + holding.count
        return counted

    def needed(self) -> frozenset[str]:
        """The owners without whom what it was granted cannot be taken back, or what it owns cannot go to its heir."""
        return frozenset(held.owner for held in self.holdings if held.owner is not None)


def elsewhere(document: AccessDocument, retiring: Iterable[Retiring], database: str) -> Iterator[Statement]:
    """What has to be done in another database."""
    for role in retiring:
        for statement in (*_reassigned(document, role, database), *_dropped(document, role, database)):
            yield replace(statement, database=database)


def ended_sessions(document: AccessDocument, retiring: Iterable[Retiring]) -> Iterator[Statement]:
    """The end of their sessions, whether there are any or not: they may come and go between plan and apply."""
    for role in retiring:
        if document.retired[role.role].terminate_sessions:
            ended = f"SELECT pg_catalog.pg_terminate_backend(pid, {SESSION_PATIENCE_MILLISECONDS})"
            yield Statement(
                f"{ended} FROM pg_catalog.pg_stat_activity WHERE usename = {literal(role.role)}",
                f"role {role.role} is retired, and its sessions end; THEIR WORK IS LOST",
                is_destructive=True,
                acts_as=frozenset({role.role}),
            )


def reassigned(document: AccessDocument, retiring: Iterable[Retiring]) -> Iterator[Statement]:
    """What they own in the document's database, and in none, goes to their heirs."""
    for role in retiring:
        yield from _reassigned(document, role, None)


def dropped(document: AccessDocument, retiring: Iterable[Retiring]) -> Iterator[Statement]:
    """What they have left in the document's database, and in none."""
    for role in retiring:
        yield from _dropped(document, role, None)


def gone(retiring: Iterable[Retiring]) -> Iterator[Statement]:
    """The roles themselves, at once: they may have granted one another's memberships."""
    names = sorted(role.role for role in retiring)
    if names:
        listed = ", ".join(identifier(name) for name in names)
        yield Statement(f"DROP ROLE {listed}", f"retired: {', '.join(names)}", is_destructive=True)


def refusals(document: AccessDocument, retiring: Iterable[Retiring]) -> Iterator[str]:
    """Why a role cannot be retired as the document says, with the remedy."""
    for role in retiring:
        said = document.retired[role.role]
        path = f"document.retired[{role.role!r}]"
        if role.is_superuser:
            yield f"{path}: the role is a superuser, which only a superuser may drop."
        for database, reason in role.unread:
            yield f"{path}: it has something in the database {database!r}, which could not be looked at. {reason}"
        owned = role.owned()
        if owned and said.reassign_to is None and not said.drop_owned:
            listed = ", ".join(
                f"{count} object(s) in {database or document.database!r}" for database, count in sorted(_named(owned))
            )
            yield (
                f"{path}: the role owns {listed}; say who gets them with 'reassign_to', "
                "or have them dropped with 'drop_owned: true'."
            )
        if said.drop_owned and any(holding.is_owned and holding.is_database for holding in role.holdings):
            yield f"{path}.drop_owned: the role owns a database, which is never dropped; give it another owner first."
        if role.sessions and not said.terminate_sessions:
            yield (
                f"{path}: the role has {role.sessions} session(s); end them, or have them ended with "
                "'terminate_sessions: true'."
            )


def _named(owned: dict[str | None, int]) -> list[tuple[str, int]]:
    return [(database or "", count) for database, count in owned.items()]


def _reassigned(document: AccessDocument, role: Retiring, database: str | None) -> Iterator[Statement]:
    heir = document.retired[role.role].reassign_to
    held = [holding for holding in role.holdings if holding.database == database and holding.is_owned]
    if heir is None or not held:
        return
    places = sorted({(holding.schema, holding.owner) for holding in held if holding.schema and holding.owner})
    for schema, owner in places:
        yield Statement(
            f"GRANT CREATE ON SCHEMA {identifier(schema)} TO {identifier(heir)}",
            f"{heir} must be able to create in schema {schema} to get what {role.role} owns there",
            acts_as=frozenset({owner}),
        )
    yield Statement(
        f"REASSIGN OWNED BY {identifier(role.role)} TO {identifier(heir)}",
        f"role {role.role} is retired, and what it owns goes to {heir}",
        is_destructive=True,
        acts_as=frozenset({role.role, heir}),
    )
    for schema, owner in places:
        # What was the retired role's own schema is the heir's now, who can create in it as its owner.
        if owner != role.role:
            yield Statement(
                f"REVOKE CREATE ON SCHEMA {identifier(schema)} FROM {identifier(heir)}",
                f"{heir} needs it no longer",
                acts_as=frozenset({owner}),
            )


def _dropped(document: AccessDocument, role: Retiring, database: str | None) -> Iterator[Statement]:
    held = [holding for holding in role.holdings if holding.database == database]
    if not held:
        return
    reason = f"role {role.role} is retired, and loses its access"
    if document.retired[role.role].drop_owned and role.owned().get(database):
        where = document.database if database is None else database
        reason += f"; WHAT IT OWNS IN {where} IS DROPPED, DATA INCLUDED"
    owners = frozenset(holding.owner for holding in held if not holding.is_owned and holding.owner is not None)
    yield Statement(
        f"DROP OWNED BY {identifier(role.role)}",
        reason,
        is_destructive=True,
        acts_as=frozenset({role.role}) | owners,
    )
