"""The access of one database, read from PostgreSQL's catalogs.

The number of queries is constant (`MAXIMUM_QUERIES`) for any size of the database. Nothing is written. Passwords
are not read, which a master on RDS could not.
"""

from dataclasses import replace

from db_bootstrap import desired
from db_bootstrap.diff.observed import observe, scope_of
from db_bootstrap.diff.scope import Scope
from db_bootstrap.document.model import AccessDocument
from db_bootstrap.inspect import queries
from db_bootstrap.inspect.privileges import (
    adoptable_objects,
    columns,
    containers,
    default_privileges,
    extensions,
    object_names,
    objects,
)
from db_bootstrap.inspect.roles import (
    memberships,
    restricted_settings,
    retired_roles,
    role_settings,
    roles,
    server,
)
from db_bootstrap.inspect.routines import resolve_signatures
from db_bootstrap.inspect.session import OpenElsewhere, Session, catalog_reader
from db_bootstrap.model import Catalogs, Snapshot
from db_bootstrap.plan_digest import Identity

MAXIMUM_QUERIES = 12
"""Queries to compare a database with a document.

Each other database that a retired role has dependencies in takes one more, and so do schemas that adopt objects and
owners of further schemas whose rights are needed. Signatures in another spelling than PostgreSQL's take two.
"""

LEAST_QUERIES = 8
"""Queries for a database in sync, and a document without extensions and retired roles."""


def read_catalogs(
    session: Session, document: AccessDocument, elsewhere: OpenElsewhere | None = None
) -> tuple[Scope, Catalogs]:
    """Read everything that the database has within the scope of ``document``, but for what only changes need.

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
    scope = scope_of(document, on, actual_roles, retired)
    rows = objects(run, scope)
    written = {name for _, name in scope.named_routines()}
    undeclared = scope.managed_roles - scope.document.role_names
    settings, belongings = role_settings(run, scope.managed_roles, document.rotated_roles | undeclared)
    actual_containers, policies = containers(run, scope)
    catalogs = Catalogs(
        retired_roles=retired,
        roles=actual_roles,
        settings=settings,
        belongings=belongings,
        memberships=memberships(run, on, scope.managed_roles),
        containers=actual_containers,
        policies=policies,
        objects=rows,
        columns=columns(run, scope),
        defaults=default_privileges(run, scope),
        extensions=extensions(run, document),
        adoptable=adoptable_objects(run, document),
        signatures=resolve_signatures(run, written, {name for row in rows for name in row.types}),
        names={},
    )
    return scope, catalogs


def read_details(session: Session, scope: Scope, catalogs: Catalogs) -> Snapshot:
    """Read what only changes need: the names of objects, further owners' rights, and which settings the master can set.

    Raises:
        StatementError: The catalogs could not be read.
    """
    run, document, on = catalog_reader(session), scope.document, scope.server
    snapshot = observe(scope, replace(catalogs, names=object_names(run, scope)))
    owners = {need.owner for group in snapshot.groups for need in group.needs if not need.is_usable}
    if owners - snapshot.roles.keys():
        more = roles(run, document, on, owners)
        joined = {name for name, role in more.items() if role.needs_no_joining}
        snapshot = replace(snapshot, roles=snapshot.roles | more, acts_as=snapshot.acts_as | joined)
    settings = {fact.name for fact in desired.settings(document) if fact not in snapshot.facts} - {"role"}
    if settings and not on.master_is_superuser:
        snapshot = replace(snapshot, restricted_settings=restricted_settings(run, on, settings))
    return snapshot


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
