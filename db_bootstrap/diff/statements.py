"""The difference between desired and actual facts as ordered statements; none when both agree.

The order, and why:

- Other databases come first, each in a separate transaction, because a role with dependencies cannot be dropped.
- In the document's own database, roles come first, because everything else names them.
- Memberships follow. Revokes come before grants, as everywhere, so that no moment allows more than the beginning and
  the end together.
- Objects of retired roles go to their successors before the new owners must grant on them.
- Then schemas with their owners, extensions, which need a schema, privileges on existing objects, default privileges,
  and settings, which need the roles that they name.
- Retired roles lose what they have left, and are dropped last.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from graphlib import TopologicalSorter

from db_bootstrap.desired import creators
from db_bootstrap.diff import retirement, roles
from db_bootstrap.diff.descriptions import join_names
from db_bootstrap.diff.difference import compare
from db_bootstrap.diff.privileges import default_privileges, needed_owners, privileges, revoked_with_their_tables
from db_bootstrap.document.model import AccessDocument
from db_bootstrap.model import (
    BUILTIN_DEFAULTS,
    DEFAULT_ATTRIBUTES,
    DEFAULT_EXTENSION_SCHEMA,
    Difference,
    ExtensionExists,
    ExtensionSchema,
    Fact,
    ObjectOwner,
    RoleAttribute,
    RoleExists,
    SchemaExists,
    SchemaOwner,
    Server,
    Snapshot,
    Statement,
    joined_defaults,
    sorted_facts,
)
from db_bootstrap.sql import identifier, identifiers


def statements(
    document: AccessDocument, desired: frozenset[Fact], snapshot: Snapshot, difference: Difference
) -> tuple[Statement, ...]:
    """Return the statements that lead from the snapshot to the desired facts, in an order in which all can run."""
    difference = _difference(document, desired, snapshot, difference)
    owners = {name: schema.owner for name, schema in document.schemas.items()}
    retired = snapshot.retired_roles
    databases = sorted(
        {dependency.database for role in retired for dependency in role.dependencies if dependency.database}
    )
    session_ends = tuple(retirement.end_sessions(document, retired))
    elsewhere: list[Statement] = []
    for database in databases:
        steps = (*session_ends, *retirement.elsewhere(document, retired, database))
        session_ends = ()  # they run before all other statements, which the locks of these sessions would block
        with_memberships = with_temporary_memberships(steps, snapshot.server, snapshot.acts_as)
        elsewhere += (replace(step, database=database) for step in with_memberships)
    here = (
        *session_ends,
        *retirement.revoke_as_grantors(retired),
        *roles.new_roles(difference, desired),
        *roles.attributes(difference),
        *roles.comments(difference),
        *roles.memberships(difference, snapshot.server),
        *(step for role in retired for step in retirement.reassign_owned(document, role, None)),
        *_schemas(difference, owners, snapshot),
        *_adoptions(difference, owners),
        *_extensions(difference, owners, snapshot),
        *privileges(difference, owners, desired, snapshot.server),
        *default_privileges(difference),
        *roles.settings(difference),
        *(step for role in retired for step in retirement.drop_owned(document, role, None)),
    )
    complete = with_temporary_memberships(here, snapshot.server, snapshot.acts_as)
    return (*elsewhere, *complete, *retirement.drop_roles(retired))


def _difference(
    document: AccessDocument, desired: frozenset[Fact], snapshot: Snapshot, difference: Difference
) -> Difference:
    actual = snapshot.facts
    # What a new role has implicitly exists by the time that its other facts are compared.
    creating = frozenset[str]().union(*creators(document, snapshot.creation_rights).values())
    implicit = _implicit_facts(difference.missing, creating)
    if implicit:
        actual |= implicit
        difference = compare(document, desired, actual)
    revoked = revoked_with_their_tables(difference.surplus, actual)
    return compare(document, desired, actual - revoked) if revoked else difference


def _implicit_facts(missing: frozenset[Fact], creating: frozenset[str]) -> frozenset[Fact]:
    new = {fact.role for fact in missing if isinstance(fact, RoleExists)}
    defaults = joined_defaults((new & creating, *default) for default in BUILTIN_DEFAULTS)
    return defaults | {RoleAttribute(role, *attribute) for role in new for attribute in DEFAULT_ATTRIBUTES.items()}


def _schemas(difference: Difference, owners: dict[str, str], snapshot: Snapshot) -> Iterator[Statement]:
    new = {fact.schema for fact in sorted_facts(difference.missing, SchemaExists)}
    before = {fact.schema: fact.owner for fact in sorted_facts(snapshot.facts, SchemaOwner)}
    for schema in sorted(new):
        owner = owners[schema]
        yield Statement(
            f"CREATE SCHEMA {identifier(schema)} AUTHORIZATION {identifier(owner)}",
            f"schema {schema} is declared and missing",
            acts_as=frozenset({owner}),
        )
    for fact in sorted_facts(difference.missing, SchemaOwner):
        if fact.schema not in new:
            yield Statement(
                f"ALTER SCHEMA {identifier(fact.schema)} OWNER TO {identifier(fact.owner)}",
                f"schema {fact.schema} belongs to {before[fact.schema]}, not to {fact.owner} as declared",
                is_destructive=True,
                acts_as=frozenset({before[fact.schema], fact.owner}),
            )


def _adoptions(difference: Difference, owners: Mapping[str, str]) -> Iterator[Statement]:
    for fact in sorted_facts(difference.surplus, ObjectOwner):
        adopter = owners[fact.schema]
        rights = (
            f"; AS A SECURITY DEFINER IT THEN RUNS WITH THE RIGHTS OF {adopter}" if fact.is_security_definer else ""
        )
        yield Statement(
            f"ALTER {fact.object} OWNER TO {identifier(adopter)}",
            f"it belongs to {fact.owner}, whose objects in schema {fact.schema} {adopter} adopts{rights}",
            is_destructive=True,
            acts_as=frozenset({fact.owner, adopter}) | needed_owners(fact.needs, owners),
        )


def _extensions(difference: Difference, owners: dict[str, str], snapshot: Snapshot) -> Iterator[Statement]:
    extensions = {extension.name: extension for extension in snapshot.extensions}
    schemas = {fact.extension: fact.schema for fact in sorted_facts(difference.missing, ExtensionSchema)}
    new = {fact.extension for fact in sorted_facts(difference.missing, ExtensionExists)}
    required = {name: sorted(new.intersection(extensions[name].requires)) for name in sorted(new)}
    for name in TopologicalSorter(required).static_order():
        # Where the extension leaves the choice, PostgreSQL would take the session's first schema, which is pg_catalog.
        schema = schemas.get(name, "" if extensions[name].only_schema else DEFAULT_EXTENSION_SCHEMA)
        within = f" SCHEMA {identifier(schema)}" if schema else ""
        yield Statement(f"CREATE EXTENSION {identifier(name)}{within}", f"extension {name} is declared and missing")
    for name, schema in sorted(schemas.items()):
        if name not in new:
            yield Statement(
                f"ALTER EXTENSION {identifier(name)} SET SCHEMA {identifier(schema)}",
                f"extension {name} is in schema {extensions[name].schema}, not in {schema} as declared",
                is_destructive=True,
                acts_as=frozenset({owners.get(schema, snapshot.server.master)}),
            )


def with_temporary_memberships(
    steps: tuple[Statement, ...], server: Server, acts_as: frozenset[str]
) -> tuple[Statement, ...]:
    """Let the master join the roles that it must act as just before the first use, and leave them at the end.

    A committed membership would make the master's own login fail if the role ever joined ``rds_iam``.
    """
    needed = frozenset[str]().union(*(statement.acts_as for statement in steps)) - acts_as
    if not needed or server.master_is_superuser:
        return steps
    first = next(index for index, statement in enumerate(steps) if statement.acts_as & needed)
    options = " WITH INHERIT TRUE, SET TRUE" if server.has_membership_options else ""
    master = identifier(server.master)
    names, roles = join_names(sorted(needed)), identifiers(sorted(needed))
    join = Statement(
        f"GRANT {roles} TO {master}{options}",
        f"the master can act as {names} only as a member; until the end of this transaction",
        is_bookkeeping=True,
    )
    leaves = (
        Statement(sql, f"the master no longer needs {names}", is_bookkeeping=True)
        for sql in _revocations(roles, master, server)
    )
    return (*steps[:first], join, *steps[first:], *leaves)


def _revocations(roles: str, master: str, server: Server) -> tuple[str, ...]:
    if not (server.is_rds_master and server.has_membership_options):
        return (f"REVOKE {roles} FROM {master}",)
    # RDS may have put the options into the row that lets the master administer the role; that row must stay.
    return (
        f"GRANT {roles} TO {master} WITH INHERIT FALSE, SET FALSE",
        f"REVOKE {roles} FROM {master} GRANTED BY {master}",
    )
