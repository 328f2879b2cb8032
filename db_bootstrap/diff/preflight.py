"""Reasons to refuse a plan, found before anything is changed.

PostgreSQL would refuse most of these statements in the middle of the transaction, with messages that name neither the
document nor the remedy. Some it would run, on roles and schemas that belong to others.
"""

from collections import Counter
from collections.abc import Container, Iterable, Iterator
from itertools import pairwise

from db_bootstrap import desired
from db_bootstrap.diff.descriptions import join_names
from db_bootstrap.diff.privileges import on_target
from db_bootstrap.diff.roles import attribute_option
from db_bootstrap.diff.scope import readings
from db_bootstrap.document.model import AccessDocument, Grant, GrantKind, Unlisted, is_reserved
from db_bootstrap.document.presets import OBJECT_KINDS
from db_bootstrap.document.rules import circle
from db_bootstrap.model import (
    FIRST_VERSION_WITH_MAINTAIN,
    OLDEST_VERSION,
    ActualExtension,
    Attribute,
    DependencyKind,
    Difference,
    ExtensionExists,
    ExtensionSchema,
    Membership,
    ObjectGroup,
    ObjectKind,
    ObjectOwner,
    RetiredRole,
    RoleAttribute,
    RoleComment,
    RoleExists,
    RoleSetting,
    SchemaExists,
    Server,
    Snapshot,
    Statement,
    sorted_facts,
)
from db_bootstrap.sql import PUBLIC, grantees, identifier, identifiers, literal, setting_name
from db_bootstrap.values import dataclass


def refusals(
    document: AccessDocument, snapshot: Snapshot, difference: Difference, statements: tuple[Statement, ...]
) -> tuple[str, ...]:
    """Return every reason not to begin, each a sentence with the remedy; none when the statements can run."""
    return (
        *_server(document, snapshot),
        *_unknown_to_this_version(document, snapshot),
        *_foreign_roles(document, snapshot),
        *_missing_groups(document, snapshot),
        *_creating_pairs(document, snapshot.server),
        *_roles_of_others(document, snapshot, difference, statements),
        *_unusable_schemas(snapshot),
        *_membership_circles(document, snapshot, difference),
        *snapshot.irrevocable,
        *_rights_of_the_master(snapshot, difference),
        *_settings(snapshot, difference),
        *_foreign_schemas(document, snapshot),
        *_adoptions(document, snapshot),
        *_extensions(document, snapshot, difference),
        *_named_objects(document, snapshot),
        *(reason for role in snapshot.retired_roles for reason in _retirement(document, role, snapshot.roles)),
        *_undroppable_roles(snapshot),
    )


def _server(document: AccessDocument, snapshot: Snapshot) -> Iterator[str]:
    server = snapshot.server
    if server.version < OLDEST_VERSION:
        yield f"The server is of version {server.version // 10000}; PostgreSQL 14 or later is needed."
    if server.database != document.database:
        yield (
            f"The document is about the database {document.database!r}, and this connection is to {server.database!r}; "
            "correct document.database or DATABASE_NAME."
        )
    elif not server.owns_database:
        yield (
            f"The database {server.database!r} belongs to {server.database_owner!r}, and only its owner can decide who "
            f"connects to it; run: ALTER DATABASE {identifier(server.database)} OWNER TO {identifier(server.master)};"
        )


def _unknown_to_this_version(document: AccessDocument, snapshot: Snapshot) -> Iterator[str]:
    version = snapshot.server.version
    if not snapshot.server.has_membership_options:
        for section, members in (("roles", document.roles), ("logins", document.logins)):
            for name, member in members.items():
                for group, options in member.memberships.items():
                    is_like_the_member = options.inherit in {None, member.inherit is not False}
                    if not (is_like_the_member and options.set):
                        yield (
                            f"document.{section}[{name!r}].memberships[{group!r}]: a membership with another 'inherit' "
                            f"than its member's, or without 'set', needs PostgreSQL 16, and this is {version // 10000};"
                            " remove the option."
                        )
    if version < FIRST_VERSION_WITH_MAINTAIN:
        for holder in desired.holders(document):
            for index, grant in enumerate(holder.grants):
                if "MAINTAIN" in grant.privileges:
                    yield (
                        f"{holder.path}.grants[{index}].privileges: MAINTAIN needs PostgreSQL 17, and this is "
                        f"{version // 10000}; remove it."
                    )


def _foreign_roles(document: AccessDocument, snapshot: Snapshot) -> Iterator[str]:
    declared = desired.roles(document, snapshot.server)
    texts = {fact.role: fact.text for fact in declared if isinstance(fact, RoleComment)}
    for name, role in sorted(item for item in snapshot.roles.items() if item[0] in texts):
        if name == snapshot.server.master:
            yield (
                f"The role {name!r} is the one that applies the document, and would lock itself out; "
                "choose another name, or let another role apply it."
            )
        is_taken = role.comment not in {"", desired.text_of(texts[name], document.database)}
        is_marked = desired.is_marked(role.comment, document.database)
        if is_taken and not is_marked and document.unlisted is Unlisted.REVOKE:
            yield (
                f"The role {name!r} exists and is not managed here: its comment says {role.comment[:200]!r}. Choose "
                "another name, or hand the role over: remove the comment, or declare it as it is."
            )
        if dict(role.attributes)[Attribute.SUPERUSER]:
            yield f"The role {name!r} is a superuser, which no role of a document is; choose another name."


def _missing_groups(document: AccessDocument, snapshot: Snapshot) -> Iterator[str]:
    for name in sorted(document.predefined_groups() - snapshot.roles.keys()):
        yield f"A document's member_of names the role {name!r}, and this server has none of that name; remove it."


def _creating_pairs(document: AccessDocument, server: Server) -> Iterator[str]:
    """Yield rotated logins that can create objects as one of their two login roles, which the other cannot change."""
    creating = {fact.grantee for fact in desired.container_privileges(document, server) if fact.privilege == "CREATE"}
    creating |= {schema.owner for schema in document.schemas.values()}
    for name in sorted(document.rotated_logins):
        if document.logins[name].acts_as is None and creating & {name, PUBLIC, *document.inherited[name]}:
            yield (
                f"document.logins[{name!r}].acts_as: it can create objects, which would belong to one of its two login "
                "roles, and after a rotation it could not change them; name the role that they belong to, or take "
                "CREATE and 'own' from it."
            )


def _roles_of_others(
    document: AccessDocument, snapshot: Snapshot, difference: Difference, statements: tuple[Statement, ...]
) -> Iterator[str]:
    changed = {
        fact.role
        for fact in difference.missing | difference.surplus
        if isinstance(fact, RoleAttribute | RoleComment | RoleSetting | Membership)
    } | {role.role for role in snapshot.retired_roles}
    needed = frozenset[str]().union(*(statement.acts_as for statement in statements))
    # `_foreign_schemas`, `_adoptions` and `_unusable_schemas` report those.
    owners = set(snapshot.schema_owners.values()) - document.role_names
    owners |= {role for schema in document.schemas.values() for role in schema.adopt} - document.role_names
    owners |= {need.owner for group in snapshot.groups for need in group.needs if not need.is_usable}
    for name, role in sorted(snapshot.roles.items()):
        if name in changed and not role.may_be_administered:
            yield (
                f"The role {name!r} exists and must change, and {snapshot.server.master!r} cannot administer it; "
                + _remedy(name, snapshot.server)
            )
        elif name in needed - owners and not role.is_in_reach:
            yield (
                f"{snapshot.server.master!r} must act as the role {name!r} and is not its member; "
                f"{_joining(name, snapshot)}"
            )


def _remedy(role: str, server: Server) -> str:
    if server.has_iam_role:
        return "apply as RDS's master user or another member of rds_superuser."
    who = "a superuser" if is_reserved(role) else "a role with ADMIN OPTION on it"
    return f"let {who} run: GRANT {identifier(role)} TO {identifier(server.master)} WITH ADMIN OPTION;"


def _unusable_schemas(snapshot: Snapshot) -> Iterator[str]:
    """Yield the schemas of argument types without which routines that must change cannot be named."""
    needs = {need for group in snapshot.groups for need in group.needs if need.schema not in snapshot.schema_owners}
    for need in sorted(needs):
        owner = snapshot.roles.get(need.owner)
        if not need.is_usable and not snapshot.server.master_is_superuser and not (owner and owner.is_in_reach):
            master = identifier(snapshot.server.master)
            yield (
                f"Routines have arguments of types in schema {need.schema!r}, which {snapshot.server.master!r} cannot "
                f"use; {_let(need.owner, f'GRANT USAGE ON SCHEMA {identifier(need.schema)} TO {master};', snapshot)}"
            )


def _membership_circles(document: AccessDocument, snapshot: Snapshot, difference: Difference) -> Iterator[str]:
    """Yield declared memberships that undeclared ones, which stay, make impossible."""
    declared = {(fact.member, fact.role) for fact in desired.memberships(document, snapshot.server)}
    missing = sorted_facts(difference.missing, Membership)
    groups_of: dict[str, set[str]] = {}
    for fact in (snapshot.facts - difference.surplus) | difference.missing if missing else ():
        if isinstance(fact, Membership):
            groups_of.setdefault(fact.member, set()).add(fact.role)
    for fact in missing:
        path = circle(fact.member, groups_of, fact.role)
        if path:
            undeclared = [pair for pair in pairwise(path) if pair not in declared]
            yield (
                f"{fact.member!r} is declared as a member of {fact.role!r}, and memberships that are not declared make "
                f"a circle: {' -> '.join(path)}. Remove it, or run one of these: "
                + " ".join(f"REVOKE {identifier(role)} FROM {identifier(member)};" for member, role in undeclared)
            )


def _rights_of_the_master(snapshot: Snapshot, difference: Difference) -> Iterator[str]:
    server = snapshot.server
    if server.master_is_superuser:
        return
    new = {fact.role for fact in sorted_facts(difference.missing, RoleExists)}
    attributes = [fact for fact in sorted_facts(difference.missing, RoleAttribute) if fact.role not in new]
    changed = {fact.attribute for fact in attributes}
    if (new or changed or snapshot.retired_roles) and Attribute.CREATE_ROLE not in server.master_attributes:
        yield (
            f"{server.master!r} cannot create, change or drop roles; let a superuser, or on RDS a member of "
            f"rds_superuser, run: ALTER ROLE {identifier(server.master)} CREATEROLE;"
        )
    restricted = {Attribute.REPLICATION, Attribute.BYPASS_ROW_SECURITY}
    restricted |= {Attribute.CREATE_DATABASE} if server.has_membership_options else set()
    for attribute in sorted(restricted & changed):
        if attribute not in server.master_attributes or not server.has_membership_options:
            options = {
                fact.role: attribute_option(attribute, fact.value) for fact in attributes if fact.attribute is attribute
            }
            yield (
                f"The attribute {attribute} of {join_names(map(repr, options))} must change, and {server.master!r} "
                "cannot change it; let a superuser run: "
                + " ".join(f"ALTER ROLE {identifier(role)} {option};" for role, option in options.items())
            )
    for fact in sorted_facts(difference.missing, SchemaExists):
        if not server.may_create:
            yield (
                f"The schema {fact.schema!r} is missing, and {server.master!r} cannot create it; let the owner of the "
                f"database run: GRANT CREATE ON DATABASE {identifier(server.database)} TO {identifier(server.master)};"
            )


def _settings(snapshot: Snapshot, difference: Difference) -> Iterator[str]:
    for fact in sorted_facts(difference.missing, RoleSetting):
        context = snapshot.restricted_settings.get(fact.name)
        if context in {"superuser", "superuser-backend"}:
            yield (
                f"The setting {fact.name!r} of {fact.role!r} is for superusers, and {snapshot.server.master!r} cannot "
                "set it; remove it from the document, or from PostgreSQL 15 on let a superuser run: "
                f"GRANT SET ON PARAMETER {setting_name(fact.name)} TO {identifier(snapshot.server.master)};"
            )
        elif context is not None:
            yield (
                f"The setting {fact.name!r} of {fact.role!r} applies to the whole server, not to a role; "
                "remove it from the document."
            )


def _foreign_schemas(document: AccessDocument, snapshot: Snapshot) -> Iterator[str]:
    for schema, owner in sorted(snapshot.schema_owners.items()):
        role = snapshot.roles.get(owner)  # None if the owner is gone
        if owner != document.schemas[schema].owner and not (role and role.is_in_reach):
            instead = "" if schema == document.database else f". Or {_moving_tables(schema, document.database)}"
            yield (
                f"The schema {schema!r} belongs to {owner!r}, and {snapshot.server.master!r} cannot take it over: "
                f"{_taking_over(schema, owner, snapshot)}{instead}"
            )


def _taking_over(schema: str, owner: str, snapshot: Snapshot) -> str:
    server = snapshot.server
    if server.has_iam_role or (owner in snapshot.roles and owner not in server.superusers):
        return _joining(owner, snapshot)
    return f"let a superuser run: ALTER SCHEMA {identifier(schema)} OWNER TO {identifier(server.master)};"


def _moving_tables(schema: str, new: str) -> str:
    moved = literal(f"ALTER TABLE %I.%I SET SCHEMA {identifier(new).replace('%', '%%')}")
    return (
        f"declare the schema {new!r} instead, and give it the tables: "  # noqa: S608 - quoted
        f"CREATE SCHEMA IF NOT EXISTS {identifier(new)}; "
        "DO $do$ DECLARE t record; BEGIN FOR t IN SELECT schemaname, tablename FROM pg_catalog.pg_tables "
        f"WHERE schemaname = {literal(schema)} AND pg_catalog.pg_has_role(tableowner, 'USAGE') LOOP EXECUTE "
        f"pg_catalog.format({moved}, t.schemaname, t.tablename); END LOOP; END $do$;"
    )


def _adoptions(document: AccessDocument, snapshot: Snapshot) -> Iterator[str]:
    """Yield the roles whose objects cannot be adopted."""
    counts = Counter((fact.schema, fact.owner) for fact in sorted_facts(snapshot.facts, ObjectOwner))
    for (schema, owner), count in counts.items():
        if owner not in document.role_names and not snapshot.roles[owner].is_in_reach:
            yield (
                f"document.schemas[{schema!r}].adopt: {snapshot.server.master!r} cannot act as {owner!r}, who owns "
                f"{count} object(s) there; {_joining(owner, snapshot)}, or remove it here."
            )


def _joining(role: str, snapshot: Snapshot) -> str:
    """Return how the master gets the rights of a role."""
    server = snapshot.server
    if role not in server.superusers and role in snapshot.roles:
        statement = f"GRANT {identifier(role)} TO {identifier(server.master)};"
        return f"let a role with ADMIN OPTION on {role!r} run: {statement}"
    return "no customer of RDS can" if server.has_iam_role else "only a superuser can"


def _let(role: str, statement: str, snapshot: Snapshot) -> str:
    """Return who can run a statement that needs the rights of a role."""
    if role in snapshot.server.superusers and snapshot.server.has_iam_role:
        return f"no customer of RDS can act as {role!r}, who could run: {statement}"
    return f"let {role!r} run: {statement}"


def _extensions(document: AccessDocument, snapshot: Snapshot, difference: Difference) -> Iterator[str]:
    missing = {fact.extension for fact in sorted_facts(difference.missing, ExtensionExists)}
    misplaced = {fact.extension for fact in sorted_facts(difference.missing, ExtensionSchema)}
    for extension in snapshot.extensions:
        path = f"document.extensions[{extension.name!r}]"
        schema = document.extensions[extension.name].schema
        if extension.name in missing:
            yield from _uninstallable(path, document, snapshot, extension)
        if extension.name not in missing | misplaced:
            continue
        if schema is not None and schema not in document.schemas and not extension.schema_exists:
            yield f"{path}.schema: there is no schema {schema!r}; declare it, or correct the name."
        if schema is None and extension.only_schema is None and not extension.schema_exists:
            yield f"{path}: the schema 'public' does not exist; name the extension's schema with 'schema'."
        if schema is not None and extension.only_schema not in {None, schema}:
            yield f"{path}.schema: it can be in schema {extension.only_schema!r} only; say that, or nothing."


def _uninstallable(
    path: str, document: AccessDocument, snapshot: Snapshot, extension: ActualExtension
) -> Iterator[str]:
    server = snapshot.server
    needed = set(extension.requires) - set(extension.installed) - document.extensions.keys()
    if not extension.is_available:
        yield f"{path}: this server does not offer an extension of this name; remove it, or correct the name."
    elif needed:
        yield f"{path}: it needs {', '.join(map(repr, sorted(needed)))}; add that to document.extensions."
    elif server.master_is_superuser:
        return
    elif not extension.is_trusted and not extension.is_on_rds:
        within = f" SCHEMA {identifier(schema)}" if (schema := document.extensions[extension.name].schema) else ""
        yield (
            f"{path}: only a superuser can create it, and {server.master!r} is none; let one run: "
            f"CREATE EXTENSION {identifier(extension.name)}{within};"
        )
    elif not server.may_create:
        yield (
            f"{path}: it is missing, and {server.master!r} cannot create it; let the owner of the database run "
            f"GRANT CREATE ON DATABASE {identifier(server.database)} TO {identifier(server.master)};"
        )


def _undroppable_roles(snapshot: Snapshot) -> Iterator[str]:
    """Yield retired roles that the master needs, or whose grants it cannot revoke."""
    for role in snapshot.retired_roles:
        path = f"document.retired[{role.role!r}]"
        if role.role == snapshot.server.master:
            yield f"{path}: this is the role that applies the document; let another one apply it."
        grantors = {
            grant.owner for grant in role.of_kind(DependencyKind.GRANTED_BY_ANOTHER, DependencyKind.IRREVOCABLE)
        }
        for owner in sorted(role.needed()):
            if owner not in snapshot.roles or not snapshot.roles[owner].is_in_reach:
                how = "by" if owner in grantors else "on what belongs to"
                yield (
                    f"{path}: it has privileges {how} {owner!r}, which {snapshot.server.master!r} cannot "
                    f"revoke; {_joining(owner, snapshot)}."
                )


def _retirement(document: AccessDocument, role: RetiredRole, roles: Container[str]) -> Iterator[str]:
    """Yield why a role cannot be retired as declared."""
    retirement = document.retired[role.role]
    path = f"document.retired[{role.role!r}]"
    if role.is_superuser:
        yield f"{path}: the role is a superuser, which only a superuser can drop."
    for database, reason in role.unread:
        yield f"{path}: it has dependent objects in the database {database!r}, which could not be read. {reason}"
    owned = role.owned()
    if owned and retirement.reassign_to is None and not retirement.drop_owned:
        counts = sorted((database or "", count) for database, count in owned.items())
        listed = ", ".join(f"{count} object(s) in {database or document.database!r}" for database, count in counts)
        yield (
            f"{path}: the role owns {listed}; say who gets them with 'reassign_to', "
            "or have them dropped with 'drop_owned: true'."
        )
    join = f"GRANT {identifier(role.role)} TO CURRENT_USER;"
    for shared in role.of_kind(DependencyKind.SHARED) if retirement.drop_owned else ():
        yield (
            f"{path}.drop_owned: the role owns a database, a tablespace or a subscription, which is never dropped; "
            f"run as the master: {join} {shared.what}"
        )
    yield from _successor(path, role, retirement.reassign_to)
    yield from _ends(path, role, roles)
    if role.sessions and not retirement.terminate_sessions:
        yield (
            f"{path}: the role has {role.sessions} session(s); have them ended with "  # noqa: S608 - quoted
            "'terminate_sessions: true', or run "
            f"as the master: {join} SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE "
            f"usename = {literal(role.role)};"
        )


def _successor(path: str, role: RetiredRole, successor: str | None) -> Iterator[str]:
    """Yield what a role owns and its successor cannot or must not get."""
    for owned in role.of_kind(DependencyKind.NOT_TRANSFERABLE):
        yield (
            f"{path}.reassign_to: the role owns the {owned.what}, and PostgreSQL does not let "
            f"{successor!r} own it; give it to a role that can, or run as the master: "
            f"GRANT {identifier(role.role)} TO CURRENT_USER; DROP {owned.what};"
        )
    for routine in role.of_kind(DependencyKind.DEFINER):
        where = f" in the database {routine.database!r}" if routine.database else ""
        needed = identifiers([role.role, *([routine.owner] if routine.owner else [])])
        yield (
            f"{path}.reassign_to: {routine.what}{where} runs with the rights of its owner (SECURITY DEFINER), which "
            f"would be those of {successor!r}. Drop it, or run as the master: "
            f"GRANT {needed} TO CURRENT_USER; ALTER ROUTINE {routine.what} SECURITY INVOKER;"
        )


def _ends(path: str, role: RetiredRole, roles: Container[str]) -> Iterator[str]:
    """Yield what only the role or its grantors can end."""
    for transaction in role.of_kind(DependencyKind.PREPARED):
        yield (
            f"{path}: the role prepared a transaction, which only it can end. Commit it, or run as the master: "
            f"GRANT {identifier(role.role)} TO CURRENT_USER; SET ROLE {identifier(role.role)}; {transaction.what}"
        )
    for grant in role.of_kind(DependencyKind.IRREVOCABLE):
        if grant.owner not in roles:
            continue  # `_undroppable_roles` reports those
        yield (
            f"{path}: as a member of the owner, or without USAGE on the schema, {grant.owner!r} can no longer revoke "
            f"what it granted: {grant.what}"
        )


@dataclass(frozen=True)
class _Named:
    """One name in a document's grants, and the objects that it means."""

    path: str
    grantee: str
    grant: Grant
    written: str
    ours: tuple[ObjectGroup, ...]
    foreign: tuple[ObjectGroup, ...]


def missing_objects(document: AccessDocument, snapshot: Snapshot) -> Iterator[str]:
    """Yield a sentence for each named object or column that does not exist.

    That is not an error: access is set up before the migrations that create the tables. The first apply after the
    object exists grants on it.
    """
    columns = {(column.target.schema, column.target.relation, column.target.column) for column in snapshot.columns}
    for named in _named(document, snapshot):
        schema = named.grant.schema
        if not named.ours and not named.foreign and (schema, named.written) not in snapshot.unknown_types:
            yield (
                f"{named.path}: there is no {named.grant.on.removesuffix('s')} {named.written!r} in schema {schema!r} "
                f"yet{_overloads(named, snapshot)}; the first apply after it is there grants on it."
            )
        for column in named.grant.columns or () if named.ours else ():
            if (schema, named.written, column) not in columns:
                yield (
                    f"{named.path}: {named.written!r} in schema {schema!r} has no column {column!r} yet; "
                    "the first apply after it is there grants on it."
                )


def _overloads(named: _Named, snapshot: Snapshot) -> str:
    """Return which routines of the same name exist, because a signature may be meant to be one of them."""
    names = {name for name, _ in readings(named.written)} if named.grant.on is GrantKind.ROUTINES else ()
    groups = (*snapshot.groups, *snapshot.foreign)
    existing = sorted(
        f"{group.single.name}({', '.join(group.types)})"
        for group in groups
        if group.kind is ObjectKind.ROUTINE
        and group.schema == named.grant.schema
        and group.single is not None
        and group.single.name in names
    )
    return f", only {join_names(existing)}" if existing else ""


def _named_objects(document: AccessDocument, snapshot: Snapshot) -> Iterator[str]:
    """Yield why privileges on a named object cannot be granted."""
    for named in _named(document, snapshot):
        meant = [*named.ours, *named.foreign]
        if len(meant) > 1:
            signatures = ", ".join(f"{named.written}({', '.join(group.types)})" for group in meant)
            yield f"{named.path}: {named.written!r} could be any of {signatures}; write out which is meant."
        if unknown := snapshot.unknown_types.get((named.grant.schema or "", named.written)):
            yield (
                f"{named.path}: {named.written!r} has an argument {unknown!r}, which is not a type of PostgreSQL; "
                "correct it. Write a type that is not built in with its schema, as in beers.style."
            )
        for group in named.foreign:
            yield (
                f"{named.path}: {named.written!r} in schema {named.grant.schema!r} belongs to {group.owner!r}, which "
                f"is not declared, so nothing can be granted on it here; remove the name{_by(named, group, snapshot)}"
            )


def _by(named: _Named, group: ObjectGroup, snapshot: Snapshot) -> str:
    """Return that the owner can grant instead, if anyone can act as it."""
    owner, grant = group.owner, named.grant
    if owner in snapshot.server.superusers and snapshot.server.has_iam_role:
        return f", because no customer of RDS can act as {owner!r}."
    columns = f" ({identifiers(grant.columns)})" if grant.columns else ""
    granted = ", ".join(f"{privilege}{columns}" for privilege in grant.privileges)
    statement = f"GRANT {granted} ON {on_target(desired.target(group))} TO {grantees([named.grantee])};"
    return f" or declare {owner!r}; or remove the name, and let {owner!r} run: {statement}"


def _named(document: AccessDocument, snapshot: Snapshot) -> Iterator[_Named]:
    ours, foreign = _by_name(snapshot.groups), _by_name(snapshot.foreign)
    for holder in desired.holders(document):
        for number, grant in enumerate(holder.grants):
            for index, written in enumerate(grant.names or ()):
                key = (grant.schema, OBJECT_KINDS.get(grant.on), written)
                path = f"{holder.path}.grants[{number}].names[{index}]"
                yield _Named(
                    path, holder.grantee, grant, written, tuple(ours.get(key, ())), tuple(foreign.get(key, ()))
                )


def _by_name(groups: Iterable[ObjectGroup]) -> dict[tuple[str | None, ObjectKind | None, str], list[ObjectGroup]]:
    found: dict[tuple[str | None, ObjectKind | None, str], list[ObjectGroup]] = {}
    for group in groups:
        for name in desired.names(group):
            found.setdefault((group.schema, group.kind, name), []).append(group)
    return found
