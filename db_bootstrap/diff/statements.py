"""The difference between what a document means and what the catalogs say, as ordered statements.

Pure: no connection, no clock, no environment. Every statement comes from facts and from nothing else; the plan is empty
when the two agree.

The order, and why: other databases come first, each in a transaction of its own, since a role cannot go while it has
something anywhere. In the document's own, roles come first, since everything names them. Memberships follow, with
revokes before grants as everywhere, so that no moment allows more than the beginning and the end together. What retired
roles own goes to its heirs before its new owners are asked to grant on it. Then schemas with their owners, extensions
that need a schema, privileges on what exists, those of what will be created, and settings, which need the roles they
name. Retired roles lose what they have left, and are dropped last of all.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from db_bootstrap.diff import retirement
from db_bootstrap.diff import roles as plan_roles
from db_bootstrap.diff.difference import difference
from db_bootstrap.diff.privileges import default_privileges, gone_with_their_tables, privileges
from db_bootstrap.diff.statement import Difference, Statement, of
from db_bootstrap.document import AccessDocument
from db_bootstrap.inspect.snapshot import FoundAccess
from db_bootstrap.model import (
    DEFAULT_ATTRIBUTES,
    DefaultPrivilege,
    ExtensionExists,
    ExtensionSchema,
    Fact,
    RoleAttribute,
    RoleExists,
    SchemaExists,
    SchemaOwner,
    Server,
    builtin_default_privileges,
)
from db_bootstrap.sql import identifier

__all__ = ["Difference", "Statement", "statements"]


def statements(document: AccessDocument, wanted: frozenset[Fact], found: FoundAccess) -> tuple[Statement, ...]:
    """The statements that lead from ``found`` to ``wanted``, in an order in which each can run when its turn comes.

    Args:
        document: Which roles are retired, and what becomes of what is not declared.
        wanted: What should hold.
        found: What holds.
    """
    gap = _gap(document, wanted, found.facts)
    owners = {fact.schema: fact.owner for fact in wanted if isinstance(fact, SchemaOwner)}
    databases = sorted({held.database for role in found.retiring for held in role.holdings if held.database})
    ended = tuple(retirement.ended_sessions(document, found.retiring))
    elsewhere: list[Statement] = []
    for database in databases:
        steps = (*ended, *retirement.elsewhere(document, found.retiring, database))
        ended = ()  # where the first of all statements run, since what sessions have locked would stop the rest
        elsewhere += _in(database, _with_borrowed_memberships(steps, found.server, found.acts_as))
    here = (
        *ended,
        *plan_roles.new_roles(gap, wanted),
        *plan_roles.attributes(gap),
        *plan_roles.comments(gap),
        *plan_roles.memberships(gap, found.server),
        *retirement.reassigned(document, found.retiring),
        *_schemas(gap, owners, found),
        *_extensions(gap, owners, found),
        *privileges(gap, owners, wanted, found.server),
        *default_privileges(gap),
        *plan_roles.settings(gap),
        *retirement.dropped(document, found.retiring),
    )
    made = _with_borrowed_memberships(here, found.server, found.acts_as)
    return (*elsewhere, *made, *retirement.gone(found.retiring))


def _gap(document: AccessDocument, wanted: frozenset[Fact], found: frozenset[Fact]) -> Difference:
    # What a new role or schema is born with is there by the time that its other facts are compared.
    found |= _born_with(wanted - found)
    gap = difference(document, wanted, found)
    gone = gone_with_their_tables(gap.surplus, found)
    return difference(document, wanted, found - gone) if gone else gap


def _born_with(missing: frozenset[Fact]) -> frozenset[Fact]:
    born: set[Fact] = set()
    for fact in missing:
        if isinstance(fact, RoleExists):
            born |= {RoleAttribute(fact.role, attribute, value) for attribute, value in DEFAULT_ATTRIBUTES.items()}
    creators = {fact.creator for fact in missing if isinstance(fact, DefaultPrivilege)}
    owners = {fact.owner for fact in missing if isinstance(fact, SchemaOwner)}
    new = {fact.role for fact in missing if isinstance(fact, RoleExists)}
    for owner in (creators | owners) & new:
        born |= builtin_default_privileges(owner)
    return frozenset(born)


def _schemas(gap: Difference, owners: dict[str, str], found: FoundAccess) -> Iterator[Statement]:
    new = {fact.schema for fact in of(gap.missing, SchemaExists)}
    before = {fact.schema: fact.owner for fact in of(found.facts, SchemaOwner)}
    for schema in sorted(new):
        owner = owners[schema]
        yield Statement(
            f"CREATE SCHEMA {identifier(schema)} AUTHORIZATION {identifier(owner)}",
            f"schema {schema} is declared and missing",
            acts_as=frozenset({owner}),
        )
    for fact in of(gap.missing, SchemaOwner):
        if fact.schema not in new:
            yield Statement(
                f"ALTER SCHEMA {identifier(fact.schema)} OWNER TO {identifier(fact.owner)}",
                f"schema {fact.schema} belongs to {before[fact.schema]}, not to {fact.owner} as declared",
                is_destructive=True,
                acts_as=frozenset({before[fact.schema], fact.owner}),
            )


def _extensions(gap: Difference, owners: dict[str, str], found: FoundAccess) -> Iterator[Statement]:
    extensions = {extension.name: extension for extension in found.extensions}
    places = {fact.extension: fact.schema for fact in of(gap.missing, ExtensionSchema)}
    new = {fact.extension for fact in of(gap.missing, ExtensionExists)}
    for name in _needed_first(sorted(new), {name: extensions[name].requires for name in new}):
        within = f" SCHEMA {identifier(places[name])}" if name in places else ""
        yield Statement(f"CREATE EXTENSION {identifier(name)}{within}", f"extension {name} is declared and missing")
    for name, schema in sorted(places.items()):
        if name not in new:
            yield Statement(
                f"ALTER EXTENSION {identifier(name)} SET SCHEMA {identifier(schema)}",
                f"extension {name} is in schema {extensions[name].schema}, not in {schema} as declared",
                is_destructive=True,
                acts_as=frozenset({owners.get(schema, found.server.master)}),
            )


def _needed_first(names: Iterable[str], needs: Mapping[str, Sequence[str]]) -> list[str]:
    ordered: list[str] = []

    def add(name: str, on_the_way: tuple[str, ...]) -> None:
        if name in needs and name not in ordered and name not in on_the_way:
            for needed in needs[name]:
                add(needed, (*on_the_way, name))
            ordered.append(name)

    for name in names:
        add(name, ())
    return ordered


def _in(database: str, steps: Iterable[Statement]) -> list[Statement]:
    return [replace(step, database=database) for step in steps]


def _with_borrowed_memberships(
    made: tuple[Statement, ...], server: Server, can_act_as: frozenset[str]
) -> tuple[Statement, ...]:
    """Let the master join the roles that it must act as just before it is needed, and leave them at the end.

    A membership that is committed would let the master's own login fail, should the role ever join ``rds_iam``.
    """
    needed = frozenset[str]().union(*(statement.acts_as for statement in made)) - can_act_as
    if not needed or server.master_is_superuser:
        return made
    first = next(index for index, statement in enumerate(made) if statement.acts_as & needed)
    options = " WITH INHERIT TRUE, SET TRUE" if server.has_membership_options else ""
    master = identifier(server.master)
    borrow = tuple(
        Statement(
            f"GRANT {identifier(role)} TO {master}{options}",
            f"the master may act as {role} only as its member; until the end of this transaction",
        )
        for role in sorted(needed)
    )
    give_back = tuple(
        Statement(f"REVOKE {identifier(role)} FROM {master}", f"the master needs {role} no longer")
        for role in sorted(needed)
    )
    return (*made[:first], *borrow, *made[first:], *give_back)
