"""Privileges as the catalogs have them: on the database, on the managed schemas, and on what these hold.

Objects with identical access control lists are counted by the server and come as one row; their names are asked for
only where something must change.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from db_bootstrap import desired as declared
from db_bootstrap.diff.descriptions import described
from db_bootstrap.diff.scope import Judged, Scope
from db_bootstrap.inspect import queries
from db_bootstrap.inspect.roles import Run
from db_bootstrap.model import (
    Column,
    DefaultPrivilege,
    Fact,
    ObjectGroup,
    ObjectKind,
    ObjectName,
    OnColumn,
    OnDatabase,
    OnSchema,
    Privilege,
    SchemaExists,
    SchemaOwner,
    Target,
    builtin_default_privileges,
)


@dataclass(frozen=True)
class FoundContainers:
    """The database and the managed schemas.

    Attributes:
        schema_owners: The owner of each managed schema that exists.
    """

    facts: tuple[Fact, ...]
    schema_owners: dict[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class FoundObjects:
    """What the managed schemas hold.

    Attributes:
        groups: The objects that are the document's to judge.
        columns: Their columns that somebody has a privilege on, or that the document names.
        foreign: Single objects that the document names and that are not its to judge, with the reason.
    """

    facts: tuple[Fact, ...]
    groups: tuple[ObjectGroup, ...]
    columns: tuple[Column, ...]
    foreign: tuple[tuple[ObjectGroup, str], ...]
    notes: tuple[str, ...]


def containers(run: Run, scope: Scope) -> FoundContainers:
    """Who may do what with the database and its managed schemas, and whose these are."""
    facts: list[Fact] = []
    notes: list[str] = []
    schema_owners: dict[str, str] = {}
    wished: dict[Target, set[tuple[str, str]]] = {}
    for fact in declared.container_privileges(scope.document, scope.server):
        wished.setdefault(fact.target, set()).add((fact.grantee, fact.privilege))
    for kind, name, owner, entries in sorted(run(queries.CONTAINERS, schemas=scope.schemas), key=tuple):
        if kind == "database":
            on: Target = OnDatabase(name)
            judged = scope.judged(entries, (owner,), wished.get(on, ()), only_managed=True)
        else:
            on = OnSchema(name)
            schema_owners[name] = owner
            facts += [SchemaExists(name), SchemaOwner(name, scope.heir(owner))]
            # What was granted to the one who shall own it becomes an owner's own.
            owners = (owner, scope.heir(owner), scope.document.schemas[name].owner)
            judged = scope.judged(entries, owners, wished.get(on, ()))
        facts += _privileges(judged, on)
        notes += _kept(judged, described(on))
    return FoundContainers(tuple(facts), schema_owners, tuple(notes))


def default_privileges(run: Run, scope: Scope, schemas_to_come: frozenset[str]) -> Iterator[Fact]:
    """What the schemas' owners will make gets, and what schemas that they will own get from birth."""
    found = run(queries.DEFAULT_PRIVILEGES, creators=scope.owners, schemas=scope.schemas)
    replaced = {(creator, kind) for creator, schema, kind, _ in found if schema is None}
    for owner in scope.owners:
        for builtin in builtin_default_privileges(owner):
            if owner in scope.managed_roles and (owner, builtin.kind) not in replaced:
                yield builtin
    for creator, schema, kind, entries in found:
        places = [place for place in schemas_to_come if scope.document.schemas[place].owner == creator]
        for grantee, privilege, is_grantable, _ in entries:
            if grantee in scope.heirs or not scope.is_judged(grantee):
                continue
            if kind == "schema":
                yield from (Privilege(grantee, privilege, OnSchema(place), is_grantable) for place in places)
            else:
                yield DefaultPrivilege(creator, schema, ObjectKind(kind), grantee, privilege, is_grantable)


def objects(run: Run, scope: Scope) -> FoundObjects:
    """The groups that are the document's to judge, named where they must change, and a sentence on each other one."""
    single = scope.single_objects()
    parameters = {
        "schemas": scope.schemas,
        "single_schemas": [schema for schema, *_ in single],
        "single_kinds": [kind.value for _, kind, _ in single],
        "single_names": [name for *_, name in single],
    }
    on_all = declared.kind_grants(scope.document, scope.server)
    rows = sorted(run(queries.OBJECT_GROUPS, **parameters), key=lambda row: [str(value) for value in row[:7]])
    ours: list[ObjectGroup] = []
    foreign: list[tuple[ObjectGroup, str]] = []
    notes: list[str] = []
    for row in rows:
        owner, of_extension, entries = row[2], row[4], row[-1]
        group = _group(row, scope.heir(owner))
        wished = declared.object_grants(scope.document, on_all, group)
        judged = scope.judged(entries, (owner, group.owner), {granted[:2] for granted in wished})
        group = replace(group, granted=judged.granted)
        what = f"{group.count} {group.kind}(s) in schema {group.schema!r}"
        if of_extension:
            notes.append(f"{what} belong to an extension and are left alone.")
            foreign.append((group, "belongs to an extension"))
        elif group.owner not in scope.declared_roles and group.owner != scope.server.master:
            notes.append(f"{what} belong to {owner!r}, which is not declared.")
            foreign.append((group, f"belongs to {owner!r}, which is not declared"))
        else:
            ours.append(group)
            notes += _kept(judged, what)
    named = _named_where_needed(run, ours, on_all, scope, parameters)
    columns, column_notes = _columns(run, scope)
    return FoundObjects(
        facts=(*_group_facts(named), *_column_facts(columns)),
        groups=named,
        columns=columns,
        foreign=tuple((group, reason) for group, reason in foreign if group.single is not None),
        notes=(*notes, *column_notes),
    )


def _group(row: Sequence[Any], owner: str) -> ObjectGroup:
    schema, kind, owner_now, acl, _, count, single, name, arguments, types, _ = row
    found = None if single is None else ObjectName(name, arguments)
    return ObjectGroup(
        schema=schema,
        kind=ObjectKind(kind),
        owner=owner,
        key=(owner_now, acl),
        count=count,
        granted=frozenset(),
        single=found,
        types=tuple(types or ()),
        names=() if found is None else (found,),
    )


def _named_where_needed(
    run: Run, groups: list[ObjectGroup], on_all: declared.KindGrants, scope: Scope, parameters: dict[str, Any]
) -> tuple[ObjectGroup, ...]:
    nameless = [group for group in groups if group.single is None]
    if not any(_must_change(group, on_all, scope) for group in nameless):
        return tuple(groups)
    names: dict[tuple[Any, ...], list[ObjectName]] = {}
    for schema, kind, owner, acl, name, arguments in run(queries.OBJECT_NAMES, **parameters):
        names.setdefault((schema, ObjectKind(kind), owner, acl), []).append(ObjectName(name, arguments))
    return tuple(
        group
        if group.single is not None
        else replace(group, names=tuple(sorted(names.get((group.schema, group.kind, *group.key), ()), key=str)))
        for group in groups
    )


def _must_change(group: ObjectGroup, on_all: declared.KindGrants, scope: Scope) -> bool:
    wished = declared.object_grants(scope.document, on_all, group)
    if scope.revokes:
        return group.granted != wished
    return not {granted[:2] for granted in wished} <= {granted[:2] for granted in group.granted}


def _columns(run: Run, scope: Scope) -> tuple[tuple[Column, ...], list[str]]:
    single = scope.single_columns()
    found = run(
        queries.COLUMNS,
        schemas=scope.schemas,
        column_schemas=[schema for schema, *_ in single],
        column_relations=[relation for _, relation, _ in single],
        column_names=[column for *_, column in single],
    )
    columns: list[Column] = []
    notes: list[str] = []
    for schema, relation, name, owner, of_extension, entries in sorted(found, key=tuple):
        heir = scope.heir(owner)
        if not of_extension and (heir in scope.declared_roles or heir == scope.server.master):
            on = OnColumn(schema, relation, name, heir)
            wished = declared.column_grants(scope.document, Column(on, frozenset()))
            judged = scope.judged(entries, (owner, heir), {granted[:2] for granted in wished})
            columns.append(Column(on, judged.granted))
            notes += _kept(judged, described(on))
    return tuple(columns), notes


def _group_facts(groups: Iterable[ObjectGroup]) -> Iterator[Fact]:
    for group in groups:
        yield from _privileges(Judged(group.granted), declared.target(group))


def _column_facts(columns: Iterable[Column]) -> Iterator[Fact]:
    for column in columns:
        yield from _privileges(Judged(column.granted), column.target)


def _privileges(judged: Judged, on: Target) -> Iterator[Fact]:
    for grantee, privilege, is_grantable in judged.granted:
        yield Privilege(grantee, privilege, on, is_grantable)


def _kept(judged: Judged, what: str) -> Iterator[str]:
    for grantee, privilege, grantor in judged.kept:
        yield f"{grantee!r} has {privilege} on {what} by {grantor!r}; not declared, and not to be taken back here."
