"""Privileges as the catalogs have them: on the database, on the managed schemas, and on their objects.

The server counts objects with identical access control lists, and returns one row for them. Their names are read only
where something must change.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from db_bootstrap import desired
from db_bootstrap.diff.descriptions import describe_counts, describe_target, describe_undeclared
from db_bootstrap.diff.scope import Scope, ScopedEntries
from db_bootstrap.inspect import queries
from db_bootstrap.inspect.routines import resolve_signatures
from db_bootstrap.inspect.session import Run
from db_bootstrap.model import (
    Call,
    Column,
    DefaultPrivilege,
    Fact,
    Granted,
    NeededSchema,
    ObjectGroup,
    ObjectKind,
    ObjectName,
    ObjectOwner,
    OnColumn,
    OnDatabase,
    OnSchema,
    Privilege,
    SchemaExists,
    SchemaOwner,
    SettledDefaults,
    Target,
    UserPolicy,
    builtin_default_privileges,
)
from db_bootstrap.values import dataclass


@dataclass(frozen=True)
class ActualContainers:
    """The database and the managed schemas.

    Attributes:
        schema_owners: The owner of each managed schema that exists.
        policies: The policies in them that depend on the user.
    """

    facts: tuple[Fact, ...]
    schema_owners: dict[str, str]
    policies: tuple[UserPolicy, ...]
    notes: tuple[str, ...]
    scoped: tuple[tuple[Target, ScopedEntries], ...]


@dataclass(frozen=True)
class ActualObjects:
    """The objects in the managed schemas.

    Attributes:
        groups: The objects in scope.
        columns: Their columns that have privileges, or that the document names.
        calls: The routines that relations call.
        foreign: Single objects that the document names, of owners whose objects are left alone.
        unknown_types: By schema and signature in the document: a type in it that PostgreSQL does not know.
    """

    facts: tuple[Fact, ...]
    groups: tuple[ObjectGroup, ...]
    columns: tuple[Column, ...]
    calls: tuple[Call, ...]
    foreign: tuple[ObjectGroup, ...]
    unknown_types: dict[tuple[str, str], str]
    notes: tuple[str, ...]
    scoped: tuple[tuple[Target, ScopedEntries], ...]


def containers(run: Run, scope: Scope) -> ActualContainers:
    """Read the privileges on the database and its managed schemas, and the owners of these."""
    facts: list[Fact] = []
    notes: list[str] = []
    scoped: list[tuple[Target, ScopedEntries]] = []
    policies: list[UserPolicy] = []
    schema_owners: dict[str, str] = {}
    desired_grants: dict[Target, set[tuple[str, str]]] = {}
    for fact in desired.container_privileges(scope.document, scope.server):
        desired_grants.setdefault(fact.target, set()).add((fact.grantee, fact.privilege))
    for kind, name, owner, acl in sorted(run(queries.CONTAINERS, schemas=scope.schemas), key=tuple):
        if kind == "policy":
            policies.append(UserPolicy(name, owner, *acl))
            continue
        if kind == "database":
            on: Target = OnDatabase(name)
            entries = scope.select(acl, (owner,), desired_grants.get(on, ()), only_managed=True)
        else:
            on = OnSchema(name)
            schema_owners[name] = owner
            facts += [SchemaExists(name), SchemaOwner(name, scope.successor(owner))]
            # Privileges of the future owner become the implicit ones of an owner.
            owners = (owner, scope.successor(owner), scope.document.schemas[name].owner)
            entries = scope.select(acl, owners, desired_grants.get(on, ()))
        facts += _privileges(entries, on)
        scoped.append((on, entries))
        notes += _kept(entries, describe_target(on))
    return ActualContainers(tuple(facts), schema_owners, tuple(policies), tuple(notes), tuple(scoped))


@dataclass(frozen=True)
class ActualDefaults:
    """The default privileges within the scope, and those that new schemas will get from them.

    Attributes:
        settled: Those that are as declared, which are not among the facts.
        notes: Sentences on those that undeclared roles have in the managed schemas.
    """

    facts: tuple[Fact, ...]
    settled: tuple[SettledDefaults, ...]
    notes: tuple[str, ...]


def default_privileges(run: Run, scope: Scope, new_schemas: frozenset[str]) -> ActualDefaults:
    """Read the default privileges of declared roles."""
    facts: list[Fact] = []
    settled: list[SettledDefaults] = []
    others: list[Fact] = []
    rows = run(queries.DEFAULT_PRIVILEGES, creators=scope.creators, schemas=scope.schemas)
    replaced = {(creator, kind) for creators, schema, kind, _ in rows if schema is None for creator in creators}
    for creator in scope.managed_roles.intersection(scope.creators):
        facts += (fact for fact in builtin_default_privileges(creator) if (creator, fact.kind) not in replaced)
    declared = desired.kind_grants(scope.document, scope.server)
    creators_of = desired.creators(scope.document)
    for named, schema, kind, acl in rows:
        creators = [creator for creator in named if creator not in scope.successors]
        entries = [entry for entry in acl if entry[0] not in scope.successors and scope.is_in_scope(entry[0])]
        if kind == "schema":
            owned = [new for new in new_schemas if scope.document.schemas[new].owner in creators]
            facts += (
                Privilege(grantee, privilege, OnSchema(new), is_grantable)
                for new in owned
                for grantee, privilege, is_grantable in entries
            )
            continue
        object_kind = ObjectKind(kind)
        grants = frozenset((grantee, privilege) for grantee, privilege, is_grantable in entries if not is_grantable)
        if len(grants) == len(entries) and grants == declared.get((schema, object_kind)):
            agreeing = tuple(creators_of[schema].intersection(creators))
            settled.append(SettledDefaults(agreeing, schema, object_kind, grants))
            creators = [creator for creator in creators if creator not in creators_of[schema]]
        for creator in creators:
            (facts if creator in scope.declared_roles else others).extend(
                DefaultPrivilege(creator, schema, object_kind, *entry) for entry in entries
            )
    return ActualDefaults(
        tuple(facts), tuple(settled), tuple(f"{sentence} {_STAYS}" for sentence in describe_undeclared(others))
    )


_STAYS = "It stays, because the document does not declare the creator."


def objects(run: Run, scope: Scope, *, members_change: bool) -> ActualObjects:
    """Read the groups of objects in scope, and a sentence on each other group.

    Their names are read if privileges on them, or the members of roles that may have some, must change.
    """
    single = scope.single_objects()
    parameters = {
        "schemas": scope.schemas,
        "single_schemas": [schema for schema, *_ in single],
        "single_kinds": [kind.value for _, kind, _ in single],
        "single_names": [name for *_, name in single],
    }
    on_all = desired.kind_grants(scope.document, scope.server)
    rows = sorted(run(queries.OBJECT_GROUPS, **parameters), key=lambda row: [str(value) for value in row[:7]])
    ours: list[ObjectGroup] = []
    scoped: list[ScopedEntries] = []
    foreign: list[ObjectGroup] = []
    notes: list[str] = []
    others: dict[tuple[str, str], dict[ObjectKind, int]] = {}
    groups = [_group(row, scope.successor(row[2]) if row[4] else scope.future_owner(row[0], row[2])) for row in rows]
    groups, unknown_types = _with_written_names(run, groups, scope)
    for row, read in zip(rows, groups, strict=True):
        owner, of_extension, acl = row[2], row[4], row[-1]
        desired_grants = desired.object_grants(scope.document, on_all, read)
        entries = scope.select(acl, (owner, read.owner), {granted[:2] for granted in desired_grants})
        group = replace(read, granted=entries.granted)
        what = f"{group.count} {group.kind}(s) in schema {group.schema!r}"
        is_left_alone = of_extension and (group.single is None or not scope.can_judge(group.owner))
        if not scope.can_judge(group.owner):
            foreign.append(group)
        elif not is_left_alone:
            ours.append(group)
            scoped.append(entries)
            notes += _kept(entries, what)
        if is_left_alone:
            notes.append(f"{what} belong to an extension and are left alone; name one to manage access to it.")
        elif group.owner != scope.document.schemas[group.schema].owner and not of_extension:
            counts = others.setdefault((group.schema, group.owner), {})
            counts[group.kind] = counts.get(group.kind, 0) + group.count
    columns, column_notes, calls = _columns(run, scope)
    is_needed = members_change or any(_column_must_change(column, scope) for column, _ in columns)
    named = _named_where_needed(run, ours, on_all, scope, parameters, is_needed=is_needed)
    return ActualObjects(
        facts=(*_group_facts(named), *_column_facts(column for column, _ in columns), *_owners(run, scope)),
        groups=named,
        columns=tuple(column for column, _ in columns),
        calls=tuple(sorted(calls, key=str)),
        foreign=tuple(group for group in foreign if group.single is not None),
        unknown_types=unknown_types,
        notes=(*notes, *column_notes, *_other_owners(others, scope)),
        scoped=(
            *((desired.target(group), entries) for group, entries in zip(named, scoped, strict=True)),
            *((column.target, entries) for column, entries in columns),
        ),
    )


def _owners(run: Run, scope: Scope) -> Iterator[ObjectOwner]:
    """Read the objects that are to be adopted; no query if there is nothing to adopt."""
    schemas = [name for name in scope.schemas if scope.document.schemas[name].adopt]
    for schema, what, owner, is_definer, needs in run(queries.OWNED_OBJECTS, schemas=schemas) if schemas else ():
        # Reassigning the objects of retired roles comes before.
        heir = scope.successor(owner)
        if heir in scope.document.schemas[schema].adopt:
            yield ObjectOwner(schema, what, heir, is_definer, _needs(needs))


def _other_owners(others: Mapping[tuple[str, str], Mapping[ObjectKind, int]], scope: Scope) -> Iterator[str]:
    for (schema, owner), counts in sorted(others.items()):
        listed = describe_counts(counts)
        schema_owner = scope.document.schemas[schema].owner
        unmanaged = "" if scope.can_judge(owner) else ", and access to them is not managed"
        can_adopt = scope.server.master_is_superuser or owner not in scope.server.superusers
        remedy = f"; add {owner!r} to document.schemas[{schema!r}].adopt to give them to it" if can_adopt else ""
        yield (
            f"{listed} in schema {schema!r} belong to {owner!r}, so the schema's owner {schema_owner!r} cannot change "
            f"them{unmanaged}{remedy}."
        )


def _group(row: Sequence[Any], owner: str) -> ObjectGroup:
    schema, kind, owner_now, acl, _, count, single, name, arguments, types, needs, _ = row
    named = None if single is None else ObjectName(name, arguments)
    return ObjectGroup(
        schema=schema,
        kind=ObjectKind(kind),
        owner=owner,
        key=(owner_now, acl),
        count=count,
        granted=frozenset(),
        single=named,
        types=tuple(types or ()),
        names=() if named is None else (named,),
        needs=_needs(needs),
    )


def _needs(listed: Iterable[Sequence[Any]] | None) -> frozenset[NeededSchema]:
    return frozenset(NeededSchema(*each) for each in listed or ())


def _with_written_names(
    run: Run, groups: list[ObjectGroup], scope: Scope
) -> tuple[list[ObjectGroup], dict[tuple[str, str], str]]:
    """Return the groups with the names that the document has for single routines, and types in it that are unknown."""
    named: dict[str, set[str]] = {}
    for schema, written in scope.single_routines():
        named.setdefault(schema, set()).add(written)
    signatures = resolve_signatures(
        run, set[str]().union(*named.values()), {name for group in groups for name in group.types}
    )

    def with_names(group: ObjectGroup) -> ObjectGroup:
        if group.single is None or group.kind is not ObjectKind.ROUTINE:
            return group
        names = named.get(group.schema, ())
        return replace(
            group, written=frozenset(one for one in names if signatures.mean(one, group.single.name, group.types))
        )

    found = [with_names(group) for group in groups]
    meant = {(group.schema, written) for group in found for written in group.written}
    unknown = {
        (schema, written): signatures.unknown[written]
        for schema, names in named.items()
        for written in names & signatures.unknown.keys()
        if (schema, written) not in meant
    }
    return found, unknown


def _named_where_needed(
    run: Run,
    groups: list[ObjectGroup],
    on_all: desired.KindGrants,
    scope: Scope,
    parameters: dict[str, Any],
    *,
    is_needed: bool,
) -> tuple[ObjectGroup, ...]:
    nameless = [group for group in groups if group.single is None]
    if not nameless or not (is_needed or any(_must_change(group, on_all, scope) for group in nameless)):
        return tuple(groups)
    names: dict[tuple[Any, ...], list[ObjectName]] = {}
    needs: dict[tuple[Any, ...], frozenset[NeededSchema]] = {}
    for schema, kind, owner, acl, name, arguments, needed in run(queries.OBJECT_NAMES, **parameters):
        key = (schema, ObjectKind(kind), owner, acl)
        names.setdefault(key, []).append(ObjectName(name, arguments))
        needs[key] = needs.get(key, frozenset()) | _needs(needed)
    return tuple(
        group
        if group.single is not None
        else replace(group, names=tuple(sorted(names.get(key, ()), key=str)), needs=needs.get(key, frozenset()))
        for group in groups
        for key in [(group.schema, group.kind, *group.key)]
    )


def _must_change(group: ObjectGroup, on_all: desired.KindGrants, scope: Scope) -> bool:
    return _differ(group.granted, desired.object_grants(scope.document, on_all, group), scope)


def _column_must_change(column: Column, scope: Scope) -> bool:
    return _differ(column.granted, desired.column_grants(scope.document, column), scope)


def _differ(granted: frozenset[Granted], desired_grants: frozenset[Granted], scope: Scope) -> bool:
    if scope.revokes:
        return granted != desired_grants
    return not {entry[:2] for entry in desired_grants} <= {entry[:2] for entry in granted}


def _columns(run: Run, scope: Scope) -> tuple[list[tuple[Column, ScopedEntries]], list[str], set[Call]]:
    single = scope.single_columns()
    named = {(schema, name) for schema, kind, name in scope.single_objects() if kind is ObjectKind.RELATION}
    rows = run(
        queries.COLUMNS,
        schemas=scope.schemas,
        column_schemas=[schema for schema, *_ in single],
        column_relations=[relation for _, relation, _ in single],
        column_names=[column for *_, column in single],
    )
    columns: list[tuple[Column, ScopedEntries]] = []
    notes: list[str] = []
    calls = set[Call]()
    for called, schema, relation, name, owner, of_extension, acl in sorted(rows, key=lambda row: str(tuple(row))):
        if called is not None:
            place, routine, types = called
            is_judged = place in scope.schemas and not of_extension and scope.can_judge(owner)
            executors = None if is_judged else frozenset(grantee for grantee, *_ in acl)
            calls.add(Call(schema, relation, name, place, ObjectName(routine, types), owner, executors))
            continue
        future_owner = scope.successor(owner) if of_extension else scope.future_owner(schema, owner)
        if scope.can_judge(future_owner) and (not of_extension or (schema, relation) in named):
            on = OnColumn(schema, relation, name, future_owner)
            desired_grants = desired.column_grants(scope.document, Column(on, frozenset()))
            entries = scope.select(acl, (owner, future_owner), {granted[:2] for granted in desired_grants})
            columns.append((Column(on, entries.granted), entries))
            notes += _kept(entries, describe_target(on))
    return columns, notes, calls


def _group_facts(groups: Iterable[ObjectGroup]) -> Iterator[Fact]:
    for group in groups:
        yield from _privileges(ScopedEntries(group.granted), desired.target(group))


def _column_facts(columns: Iterable[Column]) -> Iterator[Fact]:
    for column in columns:
        yield from _privileges(ScopedEntries(column.granted), column.target)


def _privileges(entries: ScopedEntries, on: Target) -> Iterator[Fact]:
    for grantee, privilege, is_grantable in entries.granted:
        yield Privilege(grantee, privilege, on, is_grantable)


def _kept(entries: ScopedEntries, what: str) -> Iterator[str]:
    for grantee, privilege, grantor in entries.kept:
        yield f"{grantee!r} has {privilege} on {what} by {grantor!r}; not declared, and cannot be revoked here."
