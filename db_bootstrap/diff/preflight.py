"""What a master will not be allowed to do, said before anything is changed.

Pure. PostgreSQL would refuse most of it in the middle of the work, in words that name neither the document nor the
remedy; and some of it it would do, to roles and schemas that belong to somebody else.
"""

from collections.abc import Iterator

from db_bootstrap import desired as declared
from db_bootstrap.diff import objects as single_objects
from db_bootstrap.diff import retirement
from db_bootstrap.diff.statement import Difference, Statement, of
from db_bootstrap.document import AccessDocument, Unlisted
from db_bootstrap.document import rules as document_rules
from db_bootstrap.inspect.extensions import FoundExtension
from db_bootstrap.inspect.snapshot import FoundAccess
from db_bootstrap.model import (
    FIRST_VERSION_WITH_MAINTAIN,
    OLDEST_VERSION,
    Attribute,
    ExtensionExists,
    ExtensionSchema,
    Membership,
    RoleAttribute,
    RoleComment,
    RoleExists,
    RoleSetting,
    SchemaExists,
)


def refusals(
    document: AccessDocument, found: FoundAccess, gap: Difference, statements: tuple[Statement, ...]
) -> tuple[str, ...]:
    """Every reason not to begin, a sentence each with the remedy; none when the statements may run."""
    return (
        *_server(document, found),
        *_unknown_to_this_version(document, found),
        *_foreign_roles(document, found),
        *_roles_of_others(document, found, gap, statements),
        *_circles(found, gap),
        *_rights_of_the_master(found, gap),
        *_settings(found, gap),
        *_foreign_schemas(document, found),
        *_extensions(document, found, gap),
        *single_objects.refusals(document, found),
        *retirement.refusals(document, found.retiring),
        *_roles_that_stay(found),
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


def _unknown_to_this_version(document: AccessDocument, found: FoundAccess) -> Iterator[str]:
    version = found.server.version
    if not found.server.has_membership_options:
        for section, members in (("roles", document.roles), ("logins", document.logins)):
            for name, member in members.items():
                for group, options in member.memberships.items():
                    if not (options.inherit and options.set):
                        yield (
                            f"document.{section}[{name!r}].memberships[{group!r}]: a membership without 'inherit' or "
                            f"'set' needs PostgreSQL 16, and this is {version // 10000}; remove the option."
                        )
    if version < FIRST_VERSION_WITH_MAINTAIN:
        for holder in declared.holders(document):
            for index, grant in enumerate(holder.grants):
                if "MAINTAIN" in grant.privileges:
                    yield (
                        f"{holder.path}.grants[{index}].privileges: MAINTAIN needs PostgreSQL 17, and this is "
                        f"{version // 10000}; remove it."
                    )


def _foreign_roles(document: AccessDocument, found: FoundAccess) -> Iterator[str]:
    texts = {fact.role: fact.text for fact in declared.roles(document) if isinstance(fact, RoleComment)}
    for name, role in sorted(item for item in found.roles.items() if item[0] in texts):
        if name == found.server.master:
            yield (
                f"The role {name!r} is the one that applies the document, and would lock itself out; "
                "choose another name, or let another role apply it."
            )
        is_taken = role.comment not in {"", declared.text_of(texts[name], document.database)}
        is_marked = declared.is_marked(role.comment, document.database)
        if is_taken and not is_marked and document.unlisted is Unlisted.REVOKE:
            yield (
                f"The role {name!r} exists and is somebody else's: its comment says {role.comment[:200]!r}. Choose "
                "another name, or hand the role over: remove the comment, or declare it as it is."
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
    } | {role.role for role in found.retiring}
    needed = frozenset[str]().union(*(statement.acts_as for statement in statements))
    owners = set(found.schema_owners.values()) - document.role_names()  # of whom `_foreign_schemas` tells
    for name, role in sorted(found.roles.items()):
        if name in changed and not role.is_administered:
            yield (
                f"The role {name!r} exists and must change, and {found.server.master!r} may not administer it; "
                f"let its creator run GRANT {name!r} TO {found.server.master!r} WITH ADMIN OPTION once."
            )
        elif name in needed - owners and not role.is_in_reach:
            yield (
                f"{found.server.master!r} must act as the role {name!r} and is not its member; "
                f"let its creator run GRANT {name!r} TO {found.server.master!r} once."
            )


def _circles(found: FoundAccess, gap: Difference) -> Iterator[str]:
    """Memberships that are declared, and that one which stays makes impossible."""
    missing = of(gap.missing, Membership)
    groups_of: dict[str, set[str]] = {}
    for fact in (found.facts - gap.surplus) | gap.missing if missing else ():
        if isinstance(fact, Membership):
            groups_of.setdefault(fact.member, set()).add(fact.role)
    for fact in missing:
        circle = document_rules.circle(fact.member, groups_of, fact.role)
        if circle:
            yield (
                f"{fact.member!r} is declared as a member of {fact.role!r}, and memberships that are not declared make "
                f"a circle of it: {' -> '.join(circle)}. Revoke one of them, or take the declared one out."
            )


def _rights_of_the_master(found: FoundAccess, gap: Difference) -> Iterator[str]:
    server = found.server
    if server.master_is_superuser:
        return
    new = {fact.role for fact in of(gap.missing, RoleExists)}
    changed = {fact.attribute for fact in of(gap.missing, RoleAttribute) if fact.role not in new}
    if (new or changed or found.retiring) and Attribute.CREATE_ROLE not in server.master_attributes:
        yield f"{server.master!r} may not make, change or drop roles; let a superuser give it CREATEROLE once."
    theirs = {Attribute.REPLICATION, Attribute.BYPASS_ROW_SECURITY}
    theirs |= {Attribute.CREATE_DATABASE} if server.has_membership_options else set()
    for attribute in sorted(theirs & changed):
        if attribute not in server.master_attributes or not server.has_membership_options:
            yield (
                f"The attribute {attribute} of {', '.join(sorted(_with(gap, attribute)))} must change, and "
                f"{server.master!r} may not change it; let a superuser do that once."
            )
    for fact in of(gap.missing, SchemaExists):
        if not server.may_create:
            yield (
                f"The schema {fact.schema!r} is missing, and {server.master!r} may not create it; let the owner of the "
                f"database run GRANT CREATE ON DATABASE {server.database!r} TO {server.master!r} once."
            )


def _with(gap: Difference, attribute: Attribute) -> set[str]:
    facts = of(gap.missing, RoleAttribute)
    return {repr(fact.role) for fact in facts if fact.attribute is attribute}


def _settings(found: FoundAccess, gap: Difference) -> Iterator[str]:
    for fact in of(gap.missing, RoleSetting):
        context = found.restricted_settings.get(fact.name)
        if context in {"superuser", "superuser-backend"}:
            yield (
                f"The setting {fact.name!r} of {fact.role!r} is for superusers, and {found.server.master!r} may not "
                "give it; take it out of the document, or let a superuser GRANT SET ON PARAMETER (PostgreSQL 15)."
            )
        elif context is not None:
            yield (
                f"The setting {fact.name!r} of {fact.role!r} is the whole server's, and no role can have its own; "
                "take it out of the document."
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


def _extensions(document: AccessDocument, found: FoundAccess, gap: Difference) -> Iterator[str]:
    missing = {fact.extension for fact in of(gap.missing, ExtensionExists)}
    misplaced = {fact.extension for fact in of(gap.missing, ExtensionSchema)}
    for extension in found.extensions:
        path = f"document.extensions[{extension.name!r}]"
        schema = document.extensions[extension.name].schema
        if extension.name in missing:
            yield from _uninstallable(path, document, found, extension)
        if extension.name not in missing | misplaced:
            continue
        if schema is not None and schema not in document.schemas and not extension.has_place:
            yield f"{path}.schema: there is no schema {schema!r}; declare it, or correct the name."
        if schema is not None and extension.only_schema not in {None, schema}:
            yield f"{path}.schema: it can be in schema {extension.only_schema!r} only; say that, or nothing."


def _uninstallable(path: str, document: AccessDocument, found: FoundAccess, extension: FoundExtension) -> Iterator[str]:
    server = found.server
    needed = set(extension.requires) - set(extension.others) - document.extensions.keys()
    if not extension.is_offered:
        yield f"{path}: this server does not offer an extension of this name; remove it, or correct the name."
    elif needed:
        yield f"{path}: it needs {', '.join(map(repr, sorted(needed)))}; add that to document.extensions."
    elif server.master_is_superuser:
        return
    elif not extension.is_trusted and not extension.is_on_rds:
        yield f"{path}: only a superuser may create it, and {server.master!r} is none; let one create it."
    elif not server.may_create:
        yield (
            f"{path}: it is missing, and {server.master!r} may not create it; let the owner of the database run "
            f"GRANT CREATE ON DATABASE {server.database!r} TO {server.master!r} once."
        )


def _roles_that_stay(found: FoundAccess) -> Iterator[str]:
    """Retired roles that others still need, or on whose behalf the master cannot act."""
    for role in found.retiring:
        path = f"document.retired[{role.role!r}]"
        if role.role == found.server.master:
            yield f"{path}: this is the role that applies the document; let another one apply it."
        for owner in sorted(role.needed()):
            if owner not in found.roles or not found.roles[owner].is_in_reach:
                yield (
                    f"{path}: it has privileges on what belongs to {owner!r}, which {found.server.master!r} may not "
                    f"take back; let {owner!r} do that."
                )
