"""The part of a database's access that a document decides, with respect to what was read from the catalogs.

Each access control list is judged once. What the document leaves alone becomes a sentence.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from db_bootstrap import desired
from db_bootstrap.desired import is_marked
from db_bootstrap.diff.descriptions import describe_counts, describe_target, describe_undeclared
from db_bootstrap.diff.memberships import memberships
from db_bootstrap.diff.scope import Scope, ScopedEntries
from db_bootstrap.document.model import AccessDocument
from db_bootstrap.model import (
    BUILTIN_DEFAULTS,
    ActualExtension,
    ActualRole,
    Attribute,
    Call,
    Catalogs,
    Column,
    ColumnRow,
    DefaultGroup,
    DefaultRow,
    ExtensionExists,
    ExtensionSchema,
    Fact,
    Membership,
    ObjectGroup,
    ObjectKind,
    ObjectName,
    ObjectOwner,
    ObjectRow,
    OnColumn,
    OnDatabase,
    OnSchema,
    Privilege,
    RetiredRole,
    RoleAttribute,
    RoleComment,
    RoleExists,
    SchemaExists,
    SchemaOwner,
    Server,
    Snapshot,
    Target,
    joined_defaults,
)
from db_bootstrap.values import dataclass


@dataclass(frozen=True)
class _Findings:
    """Facts in scope, privileges that stay or end without being facts, and sentences on what is left alone."""

    facts: list[Fact]
    kept: list[Fact]
    implicitly_revoked: list[Fact]
    notes: list[str]

    def add(self, entries: ScopedEntries, on: Target, what: str) -> None:
        """Add the privileges on one target, which the sentences call ``what``."""
        self.facts.extend(Privilege(grantee, privilege, on, option) for grantee, privilege, option in entries.granted)
        self.implicitly_revoked.extend(
            Privilege(grantee, privilege, on, option) for grantee, privilege, option in entries.implicitly_revoked
        )
        for grantee, privilege, grantor in entries.kept:
            self.kept.append(Privilege(grantee, privilege, on))
            self.notes.append(
                f"{grantee!r} has {privilege} on {what} by {grantor!r}; not declared, and cannot be revoked here."
            )


def scope_of(
    document: AccessDocument, server: Server, roles: Mapping[str, ActualRole], retired: Iterable[RetiredRole]
) -> Scope:
    """Return the scope of the document on a server with these roles."""
    successors = {role.role: document.retired[role.role].reassign_to for role in retired}
    marked = {name for name, role in roles.items() if is_marked(role.comment, document.database)}
    managed = (document.role_names & roles.keys()) | marked
    return Scope(document, server, frozenset(managed - successors.keys()), successors)


def observe(scope: Scope, catalogs: Catalogs) -> Snapshot:
    """Return the access within the scope."""
    document, server = scope.document, scope.server
    members = memberships(catalogs.memberships, scope, desired.memberships(document, server))
    findings = _Findings(
        [*_role_facts(catalogs.roles.values(), scope), *members.facts, *catalogs.settings],
        [*members.kept],
        [*members.implicitly_revoked],
        [
            *(
                f"Role {name!r} was declared once and no longer is: it has lost its access"
                f"{_except(catalogs.belongings.get(name, {}))}, and still exists."
                for name in sorted(scope.managed_roles - scope.document.role_names)
            ),
            *members.notes,
        ],
    )
    schema_owners = _containers(catalogs, scope, findings)
    creation_rights = frozenset(_creation_rights(catalogs, scope, findings))
    groups, foreign = _objects(catalogs, scope, findings)
    columns = _columns(catalogs.columns, scope, findings)
    findings.facts.extend(_owners(catalogs, scope))
    findings.notes.extend(_other_owners(catalogs.objects, scope))
    creating = frozenset[str]().union(*desired.creators(document, creation_rights).values())
    _default_privileges(catalogs.defaults, scope, creating, document.schemas.keys() - schema_owners.keys(), findings)
    _extensions(catalogs.extensions, document, findings)
    return Snapshot(
        server=server,
        facts=frozenset(findings.facts),
        kept=frozenset(findings.kept),
        implicitly_revoked=frozenset(findings.implicitly_revoked),
        creation_rights=creation_rights,
        groups=groups,
        columns=columns,
        calls=_calls(catalogs.columns, scope),
        policies=catalogs.policies,
        belongings=catalogs.belongings,
        foreign=foreign,
        unknown_types=_unknown_types(catalogs, scope),
        roles=catalogs.roles,
        acts_as=members.acts_as
        | {name for name, role in catalogs.roles.items() if role.needs_no_joining}
        | {server.master},
        schema_owners=schema_owners,
        extensions=catalogs.extensions,
        retired_roles=catalogs.retired_roles,
        irrevocable=members.irrevocable,
        restricted_settings={},
        unmanaged=tuple(findings.notes),
    )


def _except(belongings: Mapping[str, int]) -> str:
    return f", except for its {describe_counts(belongings)}" if belongings else ""


def _role_facts(actual: Iterable[ActualRole], scope: Scope) -> Iterator[Fact]:
    for role in actual:
        if role.name in scope.document.role_names:
            yield RoleExists(role.name)
            for attribute, value in role.attributes:
                yield RoleAttribute(role.name, attribute, value)
            if role.comment:
                yield RoleComment(role.name, role.comment)


def _containers(catalogs: Catalogs, scope: Scope, findings: _Findings) -> dict[str, str]:
    """Judge the database and the managed schemas; return the owners of these."""
    schema_owners: dict[str, str] = {}
    desired_grants: dict[Target, set[tuple[str, str]]] = {}
    for fact in desired.container_privileges(scope.document, scope.server):
        desired_grants.setdefault(fact.target, set()).add((fact.grantee, fact.privilege))
    for kind, name, owner, entries in catalogs.containers:
        if kind == "database":
            on: Target = OnDatabase(name)
            selected = scope.select(entries, (owner,), desired_grants.get(on, ()), only_managed=True)
        else:
            on = OnSchema(name)
            schema_owners[name] = owner
            findings.facts.extend([SchemaExists(name), SchemaOwner(name, scope.successor(owner))])
            # Privileges of the future owner become the implicit ones of an owner.
            owners = (owner, scope.successor(owner), scope.document.schemas[name].owner)
            selected = scope.select(entries, owners, desired_grants.get(on, ()))
        findings.add(selected, on, describe_target(on))
    return schema_owners


def _creation_rights(catalogs: Catalogs, scope: Scope, findings: _Findings) -> Iterator[Fact]:
    """Yield what `desired.creators` needs of the memberships and the containers."""
    server = scope.server
    attributes = () if server.has_membership_options else (*findings.facts, *desired.roles(scope.document, server))
    inherits = {
        fact.role: fact.value
        for fact in attributes
        if isinstance(fact, RoleAttribute) and fact.attribute is Attribute.INHERIT
    }
    masters = (row.fact() for row in catalogs.memberships if row.member == server.master)
    for fact in (*masters, *findings.kept, *(() if scope.revokes else findings.facts)):
        if isinstance(fact, Membership):
            if fact.inherit and inherits.get(fact.member, True):
                yield fact
        elif isinstance(fact, Privilege) and fact.privilege == "CREATE" and isinstance(fact.target, OnSchema):
            yield fact


def _default_privileges(
    rows: Sequence[DefaultRow], scope: Scope, creating: frozenset[str], new_schemas: Iterable[str], findings: _Findings
) -> None:
    """Judge the default privileges, and those that new schemas will get."""
    managed = scope.managed_roles & creating
    replaced = {
        (creator, row.kind) for row in rows for schemas, names in row.places if None in schemas for creator in names
    }
    ours: list[DefaultGroup] = [
        ([creator for creator in managed if (creator, kind) not in replaced], schema, kind, grants)
        for schema, kind, grants in BUILTIN_DEFAULTS
    ]
    others: list[DefaultGroup] = []
    for places, kind, listed in rows:
        entries = [
            (grantee, privilege, is_grantable)
            for grantee, privilege, is_grantable in listed
            if grantee not in scope.successors and scope.is_in_scope(grantee)
        ]
        for schemas, named in places:
            creators = set(named) - scope.successors.keys()
            if kind == "schema":
                owners = {new: scope.document.schemas[new].owner for new in new_schemas}
                findings.facts.extend(
                    Privilege(*entry[:2], OnSchema(new), entry[2])
                    for new, owner in owners.items()
                    for entry in entries
                    if owner in creators and owner != entry[0]
                )
            else:
                declared, undeclared = creators & scope.document.role_names, creators - scope.document.role_names
                # What roles have as a default everywhere matters only if they can create something here.
                ours += (
                    (declared & creating if schema is None else declared, schema, ObjectKind(kind), entries)
                    for schema in schemas
                )
                others += ((undeclared, schema, ObjectKind(kind), entries) for schema in schemas if undeclared)
    findings.facts.extend(joined_defaults(ours))
    findings.notes.extend(
        f"{sentence} It stays, because the document does not declare the creator."
        for sentence in describe_undeclared(joined_defaults(others))
    )


def _objects(
    catalogs: Catalogs, scope: Scope, findings: _Findings
) -> tuple[tuple[ObjectGroup, ...], tuple[ObjectGroup, ...]]:
    """Judge the objects; return the groups in scope, and objects that the document names and others own."""
    on_all = desired.kind_grants(scope.document, scope.server)
    written = _written_names(scope)
    groups: list[ObjectGroup] = []
    foreign: list[ObjectGroup] = []
    for row in catalogs.objects:
        group = _group(row, catalogs, scope, written.get(row.schema, ()))
        what = f"{group.count} {group.kind}(s) in schema {group.schema!r}"
        if not scope.decides_objects_of(group.owner):
            foreign += [group] if group.single is not None else []
        elif not row.is_of_extension or group.single is not None:
            declared = desired.object_grants(on_all, group)
            entries = scope.select(row.entries, (row.owner, group.owner), {entry[:2] for entry in declared})
            groups.append(replace(group, granted=entries.granted))
            findings.add(entries, desired.target(group), what)
        if row.is_of_extension and (group.single is None or not scope.decides_objects_of(group.owner)):
            findings.notes.append(f"{what} belong to an extension and are left alone; name one to manage access to it.")
    return tuple(groups), tuple(foreign)


def _group(row: ObjectRow, catalogs: Catalogs, scope: Scope, written: Iterable[str]) -> ObjectGroup:
    kind = ObjectKind(row.kind)
    if row.name is None:
        names, needs = catalogs.names.get((row.schema, row.kind, row.owner, row.acl), ((), frozenset()))
        single = None
    else:
        single = ObjectName(row.name, row.arguments)
        names, needs = (single,), row.needs
    return ObjectGroup(
        schema=row.schema,
        kind=kind,
        owner=_future_owner(row, scope),
        key=(row.owner, row.acl),
        count=row.count,
        granted=frozenset(),
        single=single,
        types=row.types,
        written=frozenset(
            name
            for name in (written if single is not None and kind is ObjectKind.ROUTINE else ())
            if catalogs.signatures.mean(name, row.name or "", row.types)
        ),
        names=names,
        needs=needs,
    )


def _future_owner(row: ObjectRow, scope: Scope) -> str:
    return scope.successor(row.owner) if row.is_of_extension else scope.future_owner(row.schema, row.owner)


def _written_names(scope: Scope) -> dict[str, set[str]]:
    names: dict[str, set[str]] = {}
    for schema, written in scope.named_routines():
        names.setdefault(schema, set()).add(written)
    return names


def _unknown_types(catalogs: Catalogs, scope: Scope) -> dict[tuple[str, str], str]:
    signatures = catalogs.signatures
    routines = [row for row in catalogs.objects if row.kind == ObjectKind.ROUTINE and row.name is not None]
    return {
        (schema, written): signatures.unknown[written]
        for schema, names in _written_names(scope).items()
        for written in names & signatures.unknown.keys()
        if not any(row.schema == schema and signatures.mean(written, row.name or "", row.types) for row in routines)
    }


def _owners(catalogs: Catalogs, scope: Scope) -> Iterator[ObjectOwner]:
    """Yield the owners of objects that are to be adopted; reassigning those of retired roles comes before."""
    for fact in catalogs.adoptable:
        heir = scope.successor(fact.owner)
        if heir in scope.document.schemas[fact.schema].adopt:
            yield replace(fact, owner=heir)


def _other_owners(rows: Iterable[ObjectRow], scope: Scope) -> Iterator[str]:
    others: dict[tuple[str, str], dict[str, int]] = {}
    for row in rows:
        owner = _future_owner(row, scope)
        if owner != scope.document.schemas[row.schema].owner and not row.is_of_extension:
            counts = others.setdefault((row.schema, owner), {})
            counts[row.kind] = counts.get(row.kind, 0) + row.count
    for (schema, owner), counts in sorted(others.items()):
        schema_owner = scope.document.schemas[schema].owner
        unmanaged = "" if scope.decides_objects_of(owner) else ", and access to them is not managed"
        can_adopt = scope.server.master_is_superuser or owner not in scope.server.superusers
        remedy = f"; add {owner!r} to document.schemas[{schema!r}].adopt to give them to it" if can_adopt else ""
        yield (
            f"{describe_counts(counts)} in schema {schema!r} belong to {owner!r}, so the schema's owner "
            f"{schema_owner!r} cannot change them{unmanaged}{remedy}."
        )


def _columns(rows: Iterable[ColumnRow], scope: Scope, findings: _Findings) -> tuple[Column, ...]:
    named = {(schema, name) for schema, kind, name in scope.named_objects() if kind is ObjectKind.RELATION}
    columns: list[Column] = []
    for called, schema, relation, name, owner, is_of_extension, acl in rows:
        future_owner = scope.successor(owner) if is_of_extension else scope.future_owner(schema, owner)
        is_ours = scope.decides_objects_of(future_owner) and (not is_of_extension or (schema, relation) in named)
        if called is None and is_ours:
            on = OnColumn(schema, relation, name, future_owner)
            declared = desired.column_grants(scope.document, Column(on, frozenset()))
            entries = scope.select(acl, (owner, future_owner), {entry[:2] for entry in declared})
            columns.append(Column(on, entries.granted))
            findings.add(entries, on, describe_target(on))
    return tuple(columns)


def _calls(rows: Iterable[ColumnRow], scope: Scope) -> tuple[Call, ...]:
    calls = set[Call]()
    for called, schema, relation, privilege, owner, is_of_extension, acl in rows:
        if called is not None:
            place, routine, types = called
            is_decided = place in scope.schemas and not is_of_extension and scope.decides_objects_of(owner)
            executors = None if is_decided else frozenset(grantee for grantee, *_ in acl)
            calls.add(Call(schema, relation, privilege, place, ObjectName(routine, types), owner, executors))
    return tuple(sorted(calls, key=str))


def _extensions(actual: Iterable[ActualExtension], document: AccessDocument, findings: _Findings) -> None:
    """Add the installed extensions, and their schemas if the document declares them."""
    for extension in actual:
        if extension.is_installed:
            findings.facts.append(ExtensionExists(extension.name))
            schema = document.extensions[extension.name].schema
            if schema is not None and extension.schema is not None:
                findings.facts.append(
                    ExtensionSchema(extension.name, extension.schema if extension.is_movable else schema)
                )
            if schema not in {None, extension.schema} and not extension.is_movable:
                findings.notes.append(
                    f"The extension {extension.name!r} is in schema {extension.schema!r}, not in {schema!r} as "
                    "declared, and cannot be moved here."
                )
