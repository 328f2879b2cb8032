"""A snapshot of the access of one database, read from PostgreSQL's catalogs.

The number of queries is constant (`MAXIMUM_QUERIES`), whatever the size of the database. Nothing is written. Passwords
are not read, which a master on RDS could not.
"""

from db_bootstrap import desired
from db_bootstrap.desired import is_marked
from db_bootstrap.diff.descriptions import describe_counts
from db_bootstrap.diff.difference import compare
from db_bootstrap.diff.scope import Scope
from db_bootstrap.document import AccessDocument
from db_bootstrap.inspect import queries
from db_bootstrap.inspect.extensions import extension_facts, extension_notes, extensions
from db_bootstrap.inspect.privileges import containers, default_privileges, objects
from db_bootstrap.inspect.roles import (
    memberships,
    restricted_settings,
    retired_roles,
    role_facts,
    role_settings,
    roles,
    server,
)
from db_bootstrap.inspect.session import OpenElsewhere, Session, catalog_reader
from db_bootstrap.model import Privilege, Snapshot
from db_bootstrap.plan_digest import Identity

MAXIMUM_QUERIES = 12
"""Queries of one snapshot.

Each other database that a retired role has dependencies in takes one more, and so do schemas that adopt objects and
owners of further schemas whose rights are needed. Signatures in another spelling than PostgreSQL's take two.
"""

LEAST_QUERIES = 8
"""Queries of a snapshot of a database in sync, for a document without extensions and retired roles."""


def read_snapshot(session: Session, document: AccessDocument, elsewhere: OpenElsewhere | None = None) -> Snapshot:
    """Read everything that the database has within the scope of ``document``.

    Args:
        session: As the master, with an empty ``search_path``, so that types are printed with their schemas.
        document: Sets the scope: its roles, its schemas, and roles that an earlier version of it left behind.
        elsewhere: Opens other databases; used only for those that a retired role has dependencies in.

    Raises:
        StatementError: The catalogs could not be read.
    """
    run = catalog_reader(session)
    on = server(run)
    retired = retired_roles(run, document, elsewhere)
    others = {role.role for role in retired}.union(
        *(role.needed() for role in retired), *(schema.adopt for schema in document.schemas.values())
    )
    actual_roles = roles(run, document, on, others)
    successors = {role.role: document.retired[role.role].reassign_to for role in retired}
    marked = {name for name, role in actual_roles.items() if is_marked(role.comment, document.database)}
    managed = (document.role_names() & actual_roles.keys()) | marked
    scope = Scope(document, on, frozenset(managed - successors.keys()), successors)
    belongings: dict[str, dict[str, int]] = {}
    undeclared = scope.managed_roles - scope.declared_roles
    settings = tuple(role_settings(run, scope.managed_roles, document.rotated_roles() | undeclared, belongings))
    actual_memberships = memberships(run, scope, desired.memberships(document, on))
    actual_containers = containers(run, scope)
    people = frozenset((*role_facts(actual_roles.values(), scope), *actual_memberships.facts))
    desired_people = frozenset((*desired.roles(document, on), *desired.memberships(document, on)))
    members_change = bool(retired or compare(document, desired_people, people))
    actual_objects = objects(run, scope, members_change=members_change)
    owners = {need.owner for group in actual_objects.groups for need in group.needs if not need.is_usable}
    if owners - actual_roles.keys():
        actual_roles |= roles(run, document, on, owners)
    new_schemas = frozenset(document.schemas) - actual_containers.schema_owners.keys()
    defaults = default_privileges(run, scope, new_schemas)
    scoped = (*actual_containers.scoped, *actual_objects.scoped)
    actual_extensions = extensions(run, document)
    return Snapshot(
        server=on,
        facts=frozenset(
            (
                *people,
                *settings,
                *actual_containers.facts,
                *defaults.facts,
                *actual_objects.facts,
                *extension_facts(actual_extensions, document),
            )
        ),
        settled_defaults=defaults.settled,
        kept=frozenset(
            (
                *actual_memberships.kept,
                *(
                    Privilege(grantee, privilege, target)
                    for target, entries in scoped
                    for grantee, privilege, _ in entries.kept
                ),
            )
        ),
        leaving=frozenset(
            (
                *actual_memberships.leaving,
                *(
                    Privilege(grantee, privilege, target, option)
                    for target, entries in scoped
                    for grantee, privilege, option in entries.leaving
                ),
            )
        ),
        groups=actual_objects.groups,
        columns=actual_objects.columns,
        calls=actual_objects.calls,
        policies=actual_containers.policies,
        belongings=belongings,
        foreign=actual_objects.foreign,
        unknown_types=actual_objects.unknown_types,
        roles=actual_roles,
        acts_as=actual_memberships.acts_as
        | {name for name, role in actual_roles.items() if role.needs_no_joining}
        | {on.master},
        schema_owners=actual_containers.schema_owners,
        extensions=actual_extensions,
        retired_roles=retired,
        irrevocable=actual_memberships.irrevocable,
        restricted_settings=restricted_settings(run, scope, settings),
        unmanaged=(
            *(
                f"Role {name!r} was declared once and no longer is: it has lost its access"
                f"{_except(belongings.get(name, {}))}, and still exists."
                for name in sorted(undeclared)
            ),
            *actual_memberships.notes,
            *actual_containers.notes,
            *actual_objects.notes,
            *defaults.notes,
            *extension_notes(actual_extensions, document),
        ),
    )


def _except(belongings: dict[str, int]) -> str:
    return f", except for its {describe_counts(belongings)}" if belongings else ""


def identity(session: Session, host: str) -> Identity:
    """Read the identity of the database, reached under the name of ``host``."""
    run = catalog_reader(session)
    oid, database, can_read_identifier = run(queries.IDENTITY)[0]
    system_identifier = run(queries.SYSTEM_IDENTIFIER)[0][0] if can_read_identifier else None
    return Identity(host, system_identifier, oid, database)


def database_comment(session: Session) -> str:
    """Read the comment of the connected database; "" for none."""
    comment: str = catalog_reader(session)(queries.DATABASE_COMMENT)[0][0]
    return comment
