"""The access of one database, read from PostgreSQL's catalogs.

The number of queries is constant (`MAXIMUM_QUERIES`) for any size of the database. Nothing is written. Passwords
are not read, which a master on RDS could not.
"""

from dataclasses import replace

from db_bootstrap import desired
from db_bootstrap.diff.observed import observe, scope_of
from db_bootstrap.diff.scope import Scope
from db_bootstrap.document.model import AccessDocument
from db_bootstrap.inspect import privileges, queries, roles
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
    server = roles.read_server(run)
    retired = roles.read_retired_roles(run, document, elsewhere)
    others = {role.role for role in retired}.union(
        *(role.needed() for role in retired), *(schema.adopt for schema in document.schemas.values())
    )
    actual_roles = roles.read_roles(run, document, server, others)
    scope = scope_of(document, server, actual_roles, retired)
    objects = privileges.read_objects(run, scope)
    written = {name for _, name in scope.named_routines()}
    undeclared = scope.managed_roles - scope.document.role_names
    settings, belongings = roles.read_role_settings(run, scope.managed_roles, document.rotated_roles | undeclared)
    actual_containers, policies = privileges.read_containers(run, scope)
    catalogs = Catalogs(
        retired_roles=retired,
        roles=actual_roles,
        settings=settings,
        belongings=belongings,
        memberships=roles.read_memberships(run, server, scope.managed_roles),
        containers=actual_containers,
        policies=policies,
        objects=objects,
        columns=privileges.read_columns(run, scope),
        defaults=privileges.read_default_privileges(run, scope),
        extensions=privileges.read_extensions(run, document),
        adoptable=privileges.read_adoptable_objects(run, document),
        signatures=resolve_signatures(run, written, {name for row in objects for name in row.types}),
        names={},
    )
    return scope, catalogs


def read_details(session: Session, scope: Scope, catalogs: Catalogs) -> Snapshot:
    """Read what only changes need: the names of objects, further owners' rights, and which settings the master can set.

    Raises:
        StatementError: The catalogs could not be read.
    """
    run, document, server = catalog_reader(session), scope.document, scope.server
    snapshot = observe(scope, replace(catalogs, names=privileges.read_object_names(run, scope)))
    owners = {need.owner for group in snapshot.groups for need in group.needs if not need.is_usable}
    if owners - snapshot.roles.keys():
        more = roles.read_roles(run, document, server, owners)
        joined = {name for name, role in more.items() if role.needs_no_joining}
        snapshot = replace(snapshot, roles=snapshot.roles | more, acts_as=snapshot.acts_as | joined)
    settings = {fact.name for fact in desired.settings(document) if fact not in snapshot.facts} - {"role"}
    if settings and not server.master_is_superuser:
        snapshot = replace(snapshot, restricted_settings=roles.read_restricted_settings(run, server, settings))
    return snapshot


def read_identity(session: Session, host: str) -> Identity:
    """Read the identity of the database, reached under the name of ``host``."""
    run = catalog_reader(session)
    oid, database, can_read_identifier = run(queries.IDENTITY)[0]
    system_identifier = run(queries.SYSTEM_IDENTIFIER)[0][0] if can_read_identifier else None
    return Identity(host, system_identifier, oid, database)


def read_database_comment(session: Session) -> str:
    """Read the comment of the connected database; "" for none."""
    comment: str = catalog_reader(session)(queries.DATABASE_COMMENT)[0][0]
    return comment
