"""The facts about access that hold now, read from PostgreSQL's catalogs.

The number of queries is fixed (`MAXIMUM_QUERIES`), whatever the size of the database. Reads only; passwords cannot be
read by a master on RDS, and nothing here tries.
"""

from dataclasses import dataclass

from pg8000.native import Connection

from db_bootstrap import desired as declared
from db_bootstrap.diff.retirement import Retiring
from db_bootstrap.diff.scope import Scope
from db_bootstrap.document import AccessDocument
from db_bootstrap.inspect import queries
from db_bootstrap.inspect.extensions import (
    FoundExtension,
    OpenElsewhere,
    extension_facts,
    extension_notes,
    extensions,
    retiring,
)
from db_bootstrap.inspect.privileges import containers, default_privileges, objects
from db_bootstrap.inspect.roles import (
    FoundRole,
    memberships,
    restricted_settings,
    role_facts,
    role_settings,
    roles,
    runner,
    server,
)
from db_bootstrap.model import Column, Fact, ObjectGroup, Server
from db_bootstrap.plan_digest import Identity

MAXIMUM_QUERIES = 12
"""Queries of one look at a database, and one more for each other database that a retired role has something in."""

LEAST_QUERIES = 8
"""Queries of a look that finds nothing to do, for a document without extensions and retired roles."""


@dataclass(frozen=True)
class FoundAccess:
    """What a database says about access, within the scope of a document.

    Attributes:
        facts: Everything found that the document could have said.
        groups: The objects of the managed schemas that are the document's to judge.
        columns: Their columns that somebody has a privilege on, or that the document names.
        foreign: Single objects that the document names and that are not its to judge, with the reason.
        roles: By name: the declared roles that exist, those declared once, and those whose rights may be needed.
        acts_as: The roles whose rights the master has without joining them first.
        schema_owners: The owner of each managed schema that exists.
        extensions: The declared extensions.
        retiring: The retired roles that there still are.
        restricted_settings: The context of each declared setting that no role can be given, or not by the master.
        unmanaged: Sentences on what was found in reach of the document and is left alone.
    """

    server: Server
    facts: frozenset[Fact]
    groups: tuple[ObjectGroup, ...]
    columns: tuple[Column, ...]
    foreign: tuple[tuple[ObjectGroup, str], ...]
    roles: dict[str, FoundRole]
    acts_as: frozenset[str]
    schema_owners: dict[str, str]
    extensions: tuple[FoundExtension, ...]
    retiring: tuple[Retiring, ...]
    restricted_settings: dict[str, str]
    unmanaged: tuple[str, ...]


def look(connection: Connection, document: AccessDocument, elsewhere: OpenElsewhere | None = None) -> FoundAccess:
    """What the database has now of everything that ``document`` could declare.

    Args:
        connection: As the master, with an empty ``search_path``, so that types are printed with their schemas.
        document: Sets the scope: its roles, its schemas, and roles that an earlier version of it left behind.
        elsewhere: Opens other databases, which is done only for those that a retired role has something in.
    """
    run = runner(connection)
    on = server(run)
    going = retiring(run, document, elsewhere)
    others = {role.role for role in going}.union(*(role.needed() for role in going))
    found_roles = roles(run, document, on, others)
    heirs = {role.role: document.retired[role.role].reassign_to for role in going}
    marked = {name for name, role in found_roles.items() if declared.is_marked(role.comment, document.database)}
    managed = (document.role_names() & found_roles.keys()) | marked
    scope = Scope(document, on, frozenset(managed - heirs.keys()), heirs)
    settings = tuple(role_settings(run, scope))
    found_memberships = memberships(run, scope)
    found_containers = containers(run, scope)
    found_objects = objects(run, scope)
    found_extensions = extensions(run, document)
    to_come = frozenset(document.schemas) - found_containers.schema_owners.keys()
    return FoundAccess(
        server=on,
        facts=frozenset(
            (
                *role_facts(found_roles.values(), scope),
                *settings,
                *found_memberships.facts,
                *found_containers.facts,
                *default_privileges(run, scope, to_come),
                *found_objects.facts,
                *extension_facts(found_extensions, document),
            )
        ),
        groups=found_objects.groups,
        columns=found_objects.columns,
        foreign=found_objects.foreign,
        roles=found_roles,
        acts_as=found_memberships.actable
        | {name for name, role in found_roles.items() if role.needs_no_joining}
        | {on.master},
        schema_owners=found_containers.schema_owners,
        extensions=found_extensions,
        retiring=going,
        restricted_settings=restricted_settings(run, scope, settings),
        unmanaged=(
            *(
                f"Role {name!r} was declared once and is no more: it has lost its access, and still exists."
                for name in sorted(scope.managed_roles - scope.declared_roles)
            ),
            *found_memberships.notes,
            *found_containers.notes,
            *found_objects.notes,
            *extension_notes(found_extensions, document),
        ),
    )


def identity(connection: Connection, host: str) -> Identity:
    """Which database this is, reached under the name of ``host``."""
    run = runner(connection)
    oid, database, may_ask = run(queries.IDENTITY)[0]
    system_identifier = run(queries.SYSTEM_IDENTIFIER)[0][0] if may_ask else None
    return Identity(host, system_identifier, oid, database)


def database_comment(connection: Connection) -> str:
    """The comment of the database that the connection is to; "" for none."""
    comment: str = runner(connection)(queries.DATABASE_COMMENT)[0][0]
    return comment
