"""What a master will not be allowed to do, said before anything is changed.

Pure. PostgreSQL would refuse most of it in the middle of the work, in words that name neither the document nor the
remedy; and some of it it would do, to roles and schemas that belong to somebody else.
"""

from collections.abc import Iterator

from db_bootstrap.access import AccessDocument
from db_bootstrap.catalog import FoundAccess
from db_bootstrap.declared import mark
from db_bootstrap.facts import (
    OLDEST_VERSION,
    Attribute,
    Membership,
    RoleAttribute,
    RoleComment,
    RoleSetting,
)
from db_bootstrap.plan import Difference, Statement


def refusals(
    document: AccessDocument, found: FoundAccess, gap: Difference, statements: tuple[Statement, ...]
) -> tuple[str, ...]:
    """Every reason not to begin, a sentence each with the remedy; none when the statements may run."""
    return (
        *_server(document, found),
        *_foreign_roles(document, found),
        *_roles_of_others(document, found, gap, statements),
        *_foreign_schemas(document, found),
    )


def _server(document: AccessDocument, found: FoundAccess) -> Iterator[str]:
    server = found.server
    if server.version < OLDEST_VERSION:
        yield f"The server is of version {server.version // 10000}; PostgreSQL 14 or later is needed."
    if server.database != document.database:
        yield (
            f"The document is about the database {document.database!r}, and this connection is to {server.database!r}; "
            "correct document.database or DATABASE_NAME."
        )
    elif not server.owns_database:
        yield (
            f"The database {server.database!r} belongs to {server.database_owner!r}, and only its owner may say who "
            f"connects to it; run ALTER DATABASE ... OWNER TO {server.master!r} once."
        )


def _foreign_roles(document: AccessDocument, found: FoundAccess) -> Iterator[str]:
    declared = document.role_names()
    for name, role in sorted(item for item in found.roles.items() if item[0] in declared):
        if name == found.server.master:
            yield (
                f"The role {name!r} is the one that applies the document, and would lock itself out; "
                "choose another name, or let another role apply it."
            )
        if role.comment not in {"", mark(document.database)}:
            yield (
                f"The role {name!r} exists and is somebody else's: its comment says {role.comment[:200]!r}. "
                "Choose another name, or remove the comment to hand the role over."
            )
        if dict(role.attributes)[Attribute.SUPERUSER]:
            yield f"The role {name!r} is a superuser, which no role of a document is; choose another name."


def _roles_of_others(
    document: AccessDocument, found: FoundAccess, gap: Difference, statements: tuple[Statement, ...]
) -> Iterator[str]:
    changed = {
        fact.role
        for fact in gap.missing | gap.surplus
        if isinstance(fact, RoleAttribute | RoleComment | RoleSetting | Membership)
    }
    needed = frozenset[str]().union(*(statement.acts_as for statement in statements))
    for name, role in sorted(found.roles.items()):
        if name in changed and not role.is_administered:
            yield (
                f"The role {name!r} exists and must change, and {found.server.master!r} may not administer it; "
                f"let its creator run GRANT {name!r} TO {found.server.master!r} WITH ADMIN OPTION once."
            )
        elif name in needed & document.role_names() and not (role.is_administered or role.can_act_as):
            yield (
                f"{found.server.master!r} must act as the role {name!r} and is not its member; "
                f"let its creator run GRANT {name!r} TO {found.server.master!r} once."
            )


def _foreign_schemas(document: AccessDocument, found: FoundAccess) -> Iterator[str]:
    for schema, owner in sorted(found.schema_owners.items()):
        is_in_reach = found.roles[owner].is_administered or found.roles[owner].can_act_as
        if owner != document.schemas[schema].owner and not is_in_reach:
            yield (
                f"The schema {schema!r} belongs to {owner!r}, and {found.server.master!r} may not take it over; let "
                f"{owner!r} run ALTER SCHEMA ... OWNER TO {found.server.master!r}, or take the schema out of the "
                "document."
            )
