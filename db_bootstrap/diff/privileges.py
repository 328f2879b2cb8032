"""Statements about privileges: on what there is, and on what will be made.

Pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from db_bootstrap.diff.descriptions import described, listed
from db_bootstrap.diff.statement import Difference, Statement, by, of
from db_bootstrap.model import (
    DefaultPrivilege,
    Fact,
    ObjectKind,
    ObjectName,
    OnColumn,
    OnDatabase,
    OnObjects,
    OnSchema,
    Privilege,
    Server,
    Target,
)
from db_bootstrap.sql import grantees, identifier, identifiers

_ON_KEYWORD = {
    ObjectKind.RELATION: "TABLE",
    ObjectKind.SEQUENCE: "SEQUENCE",
    ObjectKind.ROUTINE: "ROUTINE",
    ObjectKind.TYPE: "TYPE",
}
_DEFAULTS_KEYWORD = {
    ObjectKind.RELATION: "TABLES",
    ObjectKind.SEQUENCE: "SEQUENCES",
    ObjectKind.ROUTINE: "ROUTINES",
    ObjectKind.TYPE: "TYPES",
}


def gone_with_their_tables(surplus: Iterable[Fact], found: Iterable[Fact]) -> frozenset[Fact]:
    """Privileges on columns that go when the same privilege on the whole table is revoked, declared or not."""
    going = {
        (fact.grantee, fact.privilege, fact.target.schema, name.name)
        for fact in surplus
        if isinstance(fact, Privilege)
        and isinstance(fact.target, OnObjects)
        and fact.target.kind is ObjectKind.RELATION
        for name in fact.target.names
    }
    return frozenset(
        fact
        for fact in (found if going else ())
        if isinstance(fact, Privilege)
        and isinstance(fact.target, OnColumn)
        and (fact.grantee, fact.privilege, fact.target.schema, fact.target.relation) in going
    )


@dataclass(frozen=True)
class _OnColumns:
    """The columns of one relation that a grantee's statement is about, as a target to group by."""

    schema: str
    relation: str
    owner: str


def privileges(
    gap: Difference, owners: Mapping[str, str], wanted: frozenset[Fact], server: Server
) -> Iterator[Statement]:
    """Privileges on what there is, those that go first."""
    surplus = by(of(gap.surplus, Privilege), _key)
    missing = by(of(gap.missing, Privilege), _key)
    passable = {key for key, facts in surplus.items() if any(fact.is_grantable for fact in facts)}
    # While a role has a grant option, PostgreSQL may take a statement for that role's instead of the owner's.
    for (target, grantee), facts in sorted(surplus.items(), key=lambda item: item[0] not in passable):
        names, on = _privileges_on(target, facts)
        revoke = Statement(
            f"REVOKE {names} ON {_target(target)} FROM {grantees([grantee])}",
            f"{grantee} has {names} on {on}, which is not declared",
            is_destructive=True,
            acts_as=_grantor(target, owners),
        )
        if (target, grantee) not in passable:
            yield revoke
        elif isinstance(target, OnDatabase):
            yield _cascading(revoke)
        else:
            owner = owners[target.schema] if isinstance(target, OnSchema) else target.owner
            may_name_it = {owners[target.schema], server.master}
            may_name_it |= _holders(OnSchema(target.schema), wanted - gap.missing)
            yield from _as_owner(_cascading(revoke), owner, server, target.schema if owner not in may_name_it else None)
    yield from _grants(missing, owners)


def _grants(
    missing: Mapping[tuple[Target | _OnColumns, str], list[Privilege]], owners: Mapping[str, str]
) -> Iterator[Statement]:
    """One statement for all who get the same on the same, and for all schemas on which they do.

    Each statement is a way to the server and back, and rewrites the lists of all that it names.
    """

    def place(item: tuple[tuple[Target | _OnColumns, str], list[Privilege]]) -> tuple[Target | _OnColumns, str, str]:
        (target, _), facts = item
        return target, *_privileges_on(target, facts)

    schemas: dict[tuple[str, tuple[str, ...]], list[OnSchema]] = {}
    for (target, names, on), items in by(missing.items(), place).items():
        receivers = tuple(grantee for (_, grantee), _ in items)
        if isinstance(target, OnSchema):
            schemas.setdefault((names, receivers), []).append(target)
            continue
        yield Statement(
            f"GRANT {names} ON {_target(target)} TO {grantees(receivers)}",
            f"{_declared(receivers)} to have {names} on {on}",
            acts_as=_grantor(target, owners),
        )
    for (names, receivers), targets in schemas.items():
        on = listed(described(target) for target in targets)
        yield Statement(
            f"GRANT {names} ON SCHEMA {identifiers(target.schema for target in targets)} TO {grantees(receivers)}",
            f"{_declared(receivers)} to have {names} on {on}",
            acts_as=frozenset[str]().union(*(_grantor(target, owners) for target in targets)),
        )


def _holders(target: Target, facts: Iterable[Fact]) -> set[str]:
    return {fact.grantee for fact in facts if isinstance(fact, Privilege) and fact.target == target}


def _declared(names: Sequence[str]) -> str:
    return f"{listed(names)} {'is' if len(names) == 1 else 'are'} declared"


def _key(fact: Privilege) -> tuple[Target | _OnColumns, str]:
    target = fact.target
    if isinstance(target, OnColumn):
        return _OnColumns(target.schema, target.relation, target.owner), fact.grantee
    return target, fact.grantee


def _privileges_on(target: Target | _OnColumns, facts: list[Privilege]) -> tuple[str, str]:
    """The privileges as a statement names them, and in words what they are on."""
    if not isinstance(target, _OnColumns):
        return ", ".join(sorted({fact.privilege for fact in facts})), described(target)
    columns: dict[str, set[str]] = {}
    for fact in facts:
        if isinstance(fact.target, OnColumn):
            columns.setdefault(fact.privilege, set()).add(fact.target.column)
    names = ", ".join(f"{privilege} ({identifiers(sorted(on))})" for privilege, on in sorted(columns.items()))
    return names, f"columns of {target.schema}.{target.relation}"


def _cascading(revoke: Statement) -> Statement:
    reason = f"{revoke.reason}; what it passed on goes as well"
    return replace(revoke, sql=f"{revoke.sql} CASCADE", reason=reason)


def _as_owner(statement: Statement, owner: str, server: Server, unusable_schema: str | None) -> Iterator[Statement]:
    """A statement run as ``owner`` itself, who is given ``unusable_schema`` to use for as long as that takes."""
    if server.master_is_superuser or owner == server.master:
        yield statement
        return
    usage = f"USAGE ON SCHEMA {identifier(unusable_schema)}" if unusable_schema else ""
    reason = f"only {owner} can take back all that was granted on its own"
    if usage:
        yield Statement(f"GRANT {usage} TO {identifier(owner)}", reason, acts_as=statement.acts_as)
    yield Statement(f"SET LOCAL ROLE {identifier(owner)}", reason, acts_as=statement.acts_as)
    yield statement
    yield Statement("RESET ROLE", "the rest is done as before")
    if usage:
        yield Statement(f"REVOKE {usage} FROM {identifier(owner)}", f"{owner} needs it no longer")


def _grantor(target: Target | _OnColumns, owners: Mapping[str, str]) -> frozenset[str]:
    if isinstance(target, OnObjects | _OnColumns):
        # Naming an object takes USAGE on its schema, which the schema's owner has.
        return frozenset({target.owner, owners[target.schema]})
    return frozenset({owners[target.schema]}) if isinstance(target, OnSchema) else frozenset()


def _target(target: Target | _OnColumns) -> str:
    if isinstance(target, OnColumn | _OnColumns):
        return f"TABLE {identifier(target.schema)}.{identifier(target.relation)}"
    if isinstance(target, OnDatabase):
        return f"DATABASE {identifier(target.database)}"
    if isinstance(target, OnSchema):
        return f"SCHEMA {identifier(target.schema)}"
    names = ", ".join(f"{identifier(target.schema)}.{_object(name)}" for name in target.names)
    return f"{_ON_KEYWORD[target.kind]} {names}"


def _object(name: ObjectName) -> str:
    arguments = "" if name.arguments is None else f"({name.arguments})"
    return f"{identifier(name.name)}{arguments}"


def default_privileges(gap: Difference) -> Iterator[Statement]:
    """Privileges on what will be made, those that go first."""

    def key(fact: DefaultPrivilege) -> tuple[str, str | None, ObjectKind, str]:
        return fact.creator, fact.schema, fact.kind, fact.grantee

    def same(item: tuple[tuple[str, str | None, ObjectKind, str], list[DefaultPrivilege]]) -> tuple[object, ...]:
        (creator, schema, kind, grantee), group = item
        return creator, schema is None, kind, grantee, ", ".join(sorted({fact.privilege for fact in group}))

    def alike(item: tuple[tuple[Any, ...], tuple[str | None, ...]]) -> tuple[object, ...]:
        (creator, _, kind, _, names), schemas = item
        return creator, kind, names, schemas

    for verb, direction, facts, is_destructive in (
        ("REVOKE", "FROM", gap.surplus, True),
        ("GRANT", "TO", gap.missing, False),
    ):
        each = by(by(of(facts, DefaultPrivilege), key).items(), same)
        places = {of_one: tuple(schema for (_, schema, _, _), _ in items) for of_one, items in each.items()}
        for (creator, kind, names, schemas), items in by(places.items(), alike).items():
            receivers = [grantee for (_, _, _, grantee, _), _ in items]
            # Without IN SCHEMA where the fact stands for everywhere: with it, revoking a built-in default does nothing.
            is_everywhere = schemas == (None,)
            within = "" if is_everywhere else f" IN SCHEMA {identifiers(schemas)}"
            where = "any schema" if is_everywhere else listed(f"schema {schema}" for schema in schemas)
            verdict = "which is not declared" if is_destructive else "as declared"
            yield Statement(
                f"ALTER DEFAULT PRIVILEGES FOR ROLE {identifier(creator)}{within}"
                f" {verb} {names} ON {_DEFAULTS_KEYWORD[kind]} {direction} {grantees(receivers)}",
                f"{listed(receivers)} {'gets' if len(receivers) == 1 else 'get'} {names} on every {kind} that "
                f"{creator} will create in {where}, {verdict}",
                is_destructive=is_destructive,
                acts_as=frozenset({creator}),
            )
