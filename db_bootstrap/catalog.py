"""The facts about access that hold now, read from PostgreSQL's catalogs.

The number of queries is fixed (`MAXIMUM_QUERIES`), whatever the size of the database. Objects with identical access
control lists are counted by the server and come as one row a privilege; their names are asked for only where something
must change. Reads only; passwords cannot be read by a master on RDS, and nothing here tries.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import attrs
from pg8000.native import Connection

from db_bootstrap import catalog_queries as queries
from db_bootstrap import declared
from db_bootstrap.access import LIST_SETTINGS, AccessDocument
from db_bootstrap.digest import Identity
from db_bootstrap.facts import (
    FIRST_VERSION_WITH_MEMBERSHIP_OPTIONS,
    Attribute,
    DefaultPrivilege,
    Fact,
    Membership,
    ObjectGroup,
    ObjectKind,
    ObjectName,
    OnDatabase,
    OnSchema,
    Privilege,
    RoleAttribute,
    RoleComment,
    RoleExists,
    RoleSetting,
    SchemaExists,
    SchemaOwner,
    Server,
    builtin_default_privileges,
)
from db_bootstrap.sql import PUBLIC, split_names

MAXIMUM_QUERIES = 9
"""Queries of one look at a database: nine when objects must be named, otherwise eight."""

Run = Callable[..., Sequence[Sequence[Any]]]

_ATTRIBUTE_COLUMNS = (
    Attribute.LOGIN,
    Attribute.INHERIT,
    Attribute.CREATE_DATABASE,
    Attribute.CREATE_ROLE,
    Attribute.SUPERUSER,
    Attribute.REPLICATION,
    Attribute.BYPASS_ROW_SECURITY,
    Attribute.CONNECTION_LIMIT,
    Attribute.VALID_UNTIL,
)


@attrs.frozen
class FoundRole:
    """A role of the server that the document declares or once declared, or that owns one of its schemas.

    Attributes:
        comment: "" for none.
        attributes: In the order of the catalog's columns.
        can_act_as: Whether the master can do what the role can, without being granted anything first.
        has_master_as_member: Whether it can because it is itself a member, not a member of a member.
        is_administered: Whether the master may alter the role and grant it.
    """

    name: str
    comment: str
    attributes: tuple[tuple[Attribute, Any], ...]
    can_act_as: bool
    has_master_as_member: bool
    is_administered: bool

    @property
    def needs_no_joining(self) -> bool:
        """Whether the master acts as this role whatever becomes of others, or has no other way to do so."""
        return self.has_master_as_member or (self.can_act_as and not self.is_administered)


@attrs.frozen
class FoundAccess:
    """What a database says about access, within the scope of a document.

    Attributes:
        facts: Everything found that the document could have said.
        groups: The objects of the managed schemas that are the document's to judge.
        roles: By name: the declared roles that exist, those declared once, and the owners of the managed schemas.
        schema_owners: The owner of each managed schema that exists.
        unmanaged: Sentences on what was found in reach of the document and is left alone.
    """

    server: Server
    facts: frozenset[Fact]
    groups: tuple[ObjectGroup, ...]
    roles: dict[str, FoundRole]
    schema_owners: dict[str, str]
    unmanaged: tuple[str, ...]


def look(connection: Connection, document: AccessDocument) -> FoundAccess:
    """What the database has now of everything that ``document`` could declare.

    Args:
        connection: As the master, with an empty ``search_path``, so that types are printed with their schemas.
        document: Sets the scope: its roles, its schemas, and roles that an earlier version of it left behind.
    """
    run = _runner(connection)
    server = Server(*run(queries.SERVER)[0])
    roles = _roles(run, document, server)
    mark = declared.mark(document.database)
    managed = {name for name, role in roles.items() if name in document.role_names() or role.comment == mark}
    scope = _Scope(document, server, frozenset(managed))
    memberships, member_notes = _memberships(run, scope)
    schemas = run(queries.SCHEMAS, schemas=scope.schemas)
    groups, object_notes = _object_groups(run, scope)
    return FoundAccess(
        server=server,
        facts=frozenset(
            (
                *_role_facts(roles.values(), scope),
                *_role_settings(run, scope),
                *memberships,
                *_database_privileges(run, scope),
                *_schema_facts(schemas, scope),
                *_default_privileges(run, scope, frozenset(document.schemas) - {schema for schema, *_ in schemas}),
                *_object_facts(groups, scope),
            )
        ),
        groups=groups,
        roles=roles,
        schema_owners={schema: owner for schema, owner, *_ in schemas},
        unmanaged=(*_left_behind(scope), *member_notes, *_foreign_schema_grants(schemas, scope), *object_notes),
    )


def identity(connection: Connection, host: str) -> Identity:
    """Which database this is, reached under the name of ``host``."""
    run = _runner(connection)
    oid, database, may_ask = run(queries.IDENTITY)[0]
    system_identifier = run(queries.SYSTEM_IDENTIFIER)[0][0] if may_ask else None
    return Identity(host, system_identifier, oid, database)


def database_comment(connection: Connection) -> str:
    """The comment of the database that the connection is to; "" for none."""
    comment: str = _runner(connection)(queries.DATABASE_COMMENT)[0][0]
    return comment


@attrs.frozen
class _Scope:
    """Whom and what the document speaks of on this server.

    Attributes:
        managed_roles: Declared roles that exist, and those that carry the document's mark and are declared no more.
    """

    document: AccessDocument
    server: Server
    managed_roles: frozenset[str]

    @property
    def declared_roles(self) -> frozenset[str]:
        return self.document.role_names()

    @property
    def schemas(self) -> list[str]:
        return sorted(self.document.schemas)

    @property
    def owners(self) -> list[str]:
        return sorted({schema.owner for schema in self.document.schemas.values()})

    def judges(self, grantee: str) -> bool:
        """Whether an undeclared privilege of this grantee is ours to revoke."""
        return grantee == PUBLIC or grantee in self.managed_roles

    def is_passed_on(self, grantor: str, *owners: str) -> bool:
        """Whether a privilege comes from a managed role with a grant option, which goes and takes it along."""
        return grantor not in owners and grantor in self.managed_roles


def _runner(connection: Connection) -> Run:
    def run(sql: str, **parameters: object) -> Sequence[Sequence[Any]]:
        rows: Sequence[Sequence[Any]] | None = connection.run(sql, **parameters)
        return rows or []

    return run


def _roles(run: Run, document: AccessDocument, server: Server) -> dict[str, FoundRole]:
    # Before version 16 there is no SET option to a membership, and CREATEROLE alone lets one administer any role.
    has_options = server.version >= FIRST_VERSION_WITH_MEMBERSHIP_OPTIONS
    rows = run(
        queries.ROLES.format(
            inherit="m.inherit_option" if has_options else "true", set="m.set_option" if has_options else "true"
        ),
        names=sorted(document.role_names()),
        schemas=sorted(document.schemas),
        mark=declared.mark(document.database),
        act="SET" if has_options else "MEMBER",
        administer="MEMBER WITH ADMIN OPTION" if has_options else "",
    )
    return {
        name: FoundRole(name, comment, tuple(zip(_ATTRIBUTE_COLUMNS, values, strict=True)), *rights)
        for name, comment, *values, rights in ((*row[:-3], row[-3:]) for row in rows)
    }


def _role_facts(roles: Iterable[FoundRole], scope: _Scope) -> Iterator[Fact]:
    for role in roles:
        if role.name in scope.declared_roles:
            yield RoleExists(role.name)
            for attribute, value in role.attributes:
                yield RoleAttribute(role.name, attribute, value)
            if role.comment:
                yield RoleComment(role.name, role.comment)


def _role_settings(run: Run, scope: _Scope) -> Iterator[Fact]:
    for role, database, setting in run(queries.ROLE_SETTINGS, names=sorted(scope.managed_roles)):
        spelled, _, value = setting.partition("=")
        name = spelled.lower()  # PostgreSQL ignores case here, and keeps its own: TimeZone
        values = (split_names(value) or ("",)) if name in LIST_SETTINGS else (value,)
        yield RoleSetting(role, database, name, values)


def _memberships(run: Run, scope: _Scope) -> tuple[list[Fact], list[str]]:
    has_options = scope.server.version >= FIRST_VERSION_WITH_MEMBERSHIP_OPTIONS
    # Before version 16 a membership depends on nobody, and whoever administers the role may revoke it.
    columns = (
        ("m.inherit_option", "m.set_option", "grantor.rolname = ANY (CAST(:names AS text[]))")
        if has_options
        else ("true", "true", "false")
    )
    query = queries.MEMBERSHIPS.format(inherit=columns[0], set=columns[1], is_passed_on=columns[2])
    facts: list[Fact] = []
    notes = []
    for role, member, inherit, set_, admin in run(query, names=sorted(scope.managed_roles)):
        if member in scope.managed_roles:
            facts.append(Membership(role, member, inherit, set_, admin))
        elif member != scope.server.master:
            # The master administers what it has made; that membership is PostgreSQL's own doing.
            notes.append(f"{member!r} is a member of {role!r}, and is not declared in the document.")
    return facts, notes


def _database_privileges(run: Run, scope: _Scope) -> Iterator[Fact]:
    for grantee, privilege, is_grantable, grantor in run(queries.DATABASE_PRIVILEGES):
        if scope.judges(grantee) and not scope.is_passed_on(grantor, scope.server.database_owner):
            yield Privilege(grantee, privilege, OnDatabase(scope.server.database), is_grantable)


def _schema_facts(rows: Sequence[Sequence[Any]], scope: _Scope) -> Iterator[Fact]:
    for schema, owner, grantee, privilege, is_grantable, grantor in rows:
        yield SchemaExists(schema)
        yield SchemaOwner(schema, owner)
        # What was granted to the one who shall own it becomes an owner's own, and what they passed on an owner's grant.
        new_owner = scope.document.schemas[schema].owner
        is_judged = grantee not in {None, new_owner} and scope.judges(grantee)
        if is_judged and not scope.is_passed_on(grantor, owner, new_owner):
            yield Privilege(grantee, privilege, OnSchema(schema), is_grantable)


def _foreign_schema_grants(rows: Sequence[Sequence[Any]], scope: _Scope) -> Iterator[str]:
    for schema, _, grantee, privilege, *_ in rows:
        if grantee is not None and not scope.judges(grantee):
            yield f"{grantee!r} has {privilege} on schema {schema!r}, and is not declared in the document."


def _default_privileges(run: Run, scope: _Scope, schemas_to_come: frozenset[str]) -> Iterator[Fact]:
    found = run(queries.DEFAULT_PRIVILEGES, creators=scope.owners, schemas=scope.schemas)
    rows = [row for row in found if row[2] != "schema"]
    replaced = {(creator, ObjectKind(kind)) for creator, schema, kind, *_ in rows if schema is None}
    for owner in scope.owners:
        for builtin in builtin_default_privileges(owner):
            if owner in scope.managed_roles and (owner, builtin.kind) not in replaced:
                yield builtin
    for creator, schema, kind, grantee, privilege, is_grantable in rows:
        if grantee is not None and scope.judges(grantee):
            yield DefaultPrivilege(creator, schema, ObjectKind(kind), grantee, privilege, is_grantable)
    for creator, _, kind, grantee, privilege, is_grantable in found:
        if kind == "schema" and grantee is not None and scope.judges(grantee):
            for schema in schemas_to_come:
                if scope.document.schemas[schema].owner == creator:
                    yield Privilege(grantee, privilege, OnSchema(schema), is_grantable)


def _object_groups(run: Run, scope: _Scope) -> tuple[tuple[ObjectGroup, ...], list[str]]:
    """The groups that are ours to judge, named where they must change; and a sentence on each of the others."""
    rows = sorted(run(queries.OBJECT_GROUPS, schemas=scope.schemas), key=_sortable)
    ours, notes = [], []
    for key, privileges in groupby(rows, key=lambda row: tuple(row[:6])):
        schema, kind, owner, acl, of_extension, count = key
        granted = frozenset(
            (grantee, privilege, is_grantable)
            for *_, grantee, privilege, is_grantable, grantor in privileges
            if grantee is not None and not scope.is_passed_on(grantor, owner)
        )
        group = ObjectGroup(schema, ObjectKind(kind), owner, acl, of_extension, count, granted)
        if of_extension:
            notes.append(f"{count} {kind}(s) in schema {schema!r} belong to an extension and are left alone.")
        elif owner not in scope.declared_roles and owner != scope.server.master:
            notes.append(f"{count} {kind}(s) in schema {schema!r} belong to {owner!r}, which is not declared.")
        else:
            ours.append(group)
    return _named_where_needed(run, ours, scope), notes


def _sortable(row: Sequence[Any]) -> tuple[str, ...]:
    return tuple(str(value) for value in row)


def _named_where_needed(run: Run, groups: list[ObjectGroup], scope: _Scope) -> tuple[ObjectGroup, ...]:
    if all(_judged(group, scope) == _wished(group, scope) for group in groups):
        return tuple(groups)
    names: dict[tuple[Any, ...], list[ObjectName]] = {}
    for schema, kind, owner, acl, of_extension, name, arguments in run(queries.OBJECT_NAMES, schemas=scope.schemas):
        names.setdefault((schema, kind, owner, acl, of_extension), []).append(ObjectName(name, arguments))
    return tuple(
        attrs.evolve(
            group,
            names=tuple(sorted(names.get((group.schema, group.kind, group.owner, group.acl, False), ()), key=str)),
        )
        for group in groups
    )


def _judged(group: ObjectGroup, scope: _Scope) -> frozenset[tuple[str, str, bool]]:
    return frozenset(granted for granted in group.granted if scope.judges(granted[0]))


def _wished(group: ObjectGroup, scope: _Scope) -> frozenset[tuple[str, str, bool]]:
    wished = declared.object_grants(scope.document, scope.server, group.schema, group.kind)
    return frozenset(granted for granted in wished if granted[0] != group.owner)


def _object_facts(groups: Iterable[ObjectGroup], scope: _Scope) -> Iterator[Fact]:
    for group in groups:
        for grantee, privilege, is_grantable in _judged(group, scope):
            yield Privilege(grantee, privilege, declared.target(group), is_grantable)


def _left_behind(scope: _Scope) -> Iterator[str]:
    for name in sorted(scope.managed_roles - scope.declared_roles):
        yield f"Role {name!r} was declared once and is no more: it has lost its access, and still exists."
