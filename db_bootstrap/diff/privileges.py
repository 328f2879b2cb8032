"""Statements about privileges on existing objects, and default privileges for future ones."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from operator import itemgetter
from typing import TypeVar

from db_bootstrap.diff.descriptions import describe_target, join_names
from db_bootstrap.model import (
    DefaultPrivileges,
    Difference,
    Fact,
    NeededSchema,
    ObjectKind,
    ObjectName,
    OnColumn,
    OnDatabase,
    OnObjects,
    OnSchema,
    Privilege,
    Server,
    Statement,
    Target,
)
from db_bootstrap.sql import grantees, identifier, identifiers

K = TypeVar("K")
T = TypeVar("T")

_KEYWORD = {kind: "TABLE" if kind is ObjectKind.RELATION else kind.upper() for kind in ObjectKind}


def revoked_with_their_tables(surplus: Iterable[Fact], actual: Iterable[Fact]) -> frozenset[Fact]:
    """Return the column privileges that PostgreSQL revokes along with the same privilege on the table."""
    revoked = {
        (fact.grantee, fact.privilege, fact.target.schema, name.name)
        for fact in surplus
        if isinstance(fact, Privilege)
        and isinstance(fact.target, OnObjects)
        and fact.target.kind is ObjectKind.RELATION
        for name in fact.target.names
    }
    return frozenset(
        fact
        for fact in (actual if revoked else ())
        if isinstance(fact, Privilege)
        and isinstance(fact.target, OnColumn)
        and (fact.grantee, fact.privilege, fact.target.schema, fact.target.relation) in revoked
    )


def privileges(
    difference: Difference, owners: Mapping[str, str], desired: frozenset[Fact], server: Server
) -> Iterator[Statement]:
    """Revoke privileges on existing objects, then grant the missing ones."""
    surplus, missing = _of_grantees(difference.surplus), _of_grantees(difference.missing)
    with_option = {key for key, facts in surplus.items() if any(fact.is_grantable for fact in facts)}
    # While a role has a grant option, PostgreSQL may attribute a statement to that role instead of the owner.
    for target, grantee in sorted(with_option, key=lambda key: (isinstance(key[0], OnColumn), repr(key))):
        names, on = _privileges_on(target, surplus[target, grantee])
        revoke = Statement(
            f"REVOKE {names} ON {on_target(target)} FROM {grantees([grantee])} CASCADE",
            f"{grantee} has {names} on {on}, which is not declared; grants that it made in turn go as well",
            is_destructive=True,
            acts_as=_grantor(target, owners),
        )
        if isinstance(target, OnDatabase):
            yield revoke
        else:
            owner = owners[target.schema] if isinstance(target, OnSchema) else target.owner
            unusable = _unusable_schemas(target, owner, owners, desired - difference.missing)
            yield from _as_owner(revoke, owner, server, unusable)
    plain = {key: facts for key, facts in surplus.items() if key not in with_option}
    for is_grant, facts in ((False, plain), (True, missing)):
        for names, receivers, targets, on_sql, on in _joined(facts):
            verb, preposition = ("GRANT", "TO") if is_grant else ("REVOKE", "FROM")
            who, is_one = join_names(receivers), len(receivers) == 1
            yield Statement(
                f"{verb} {names} ON {on_sql} {preposition} {grantees(receivers)}",
                f"{who} {'is' if is_one else 'are'} declared to have {names} on {on}"
                if is_grant
                else f"{who} {'has' if is_one else 'have'} {names} on {on}, which is not declared",
                is_destructive=not is_grant,
                acts_as=frozenset[str]().union(*(_grantor(target, owners) for target in targets)),
            )


def _joined(
    facts: Mapping[tuple[Target, str], list[Privilege]],
) -> Iterator[tuple[str, tuple[str, ...], tuple[Target, ...], str, str]]:
    """Join the grantees of the same privileges on a target, and the targets with the same privileges and grantees.

    Each statement is a round trip, and rewrites the access control lists of all that it names. Yield the privileges,
    the grantees, and the targets: also as SQL, and in words.
    """

    def place(item: tuple[tuple[Target, str], list[Privilege]]) -> tuple[Target, str, str]:
        (target, _), held = item
        return target, *_privileges_on(target, held)

    groups: dict[tuple[str, str, tuple[str, ...]], list[tuple[Target, str, str]]] = {}
    for (target, privileges, on), items in _grouped(facts.items(), place).items():
        keyword, names = _named(target)
        receivers = tuple(grantee for (_, grantee), _ in items)
        groups.setdefault((keyword, privileges, receivers), []).append((target, names, on))
    for (keyword, privileges, receivers), places in groups.items():
        targets, named, descriptions = zip(*places, strict=True)
        yield privileges, receivers, targets, f"{keyword} {', '.join(named)}", join_names(descriptions)


def _of_grantees(facts: Iterable[Fact]) -> dict[tuple[Target, str], list[Privilege]]:
    """Return the privileges of each grantee on each target, in an order that does not depend on hashes."""
    groups = _grouped((fact for fact in facts if isinstance(fact, Privilege)), _key)
    texts = {target: repr(target) for target, _ in groups}  # once each, because they have the names of all objects
    return {key: groups[key] for key in sorted(groups, key=lambda key: (key[1], texts[key[0]]))}


def _key(fact: Privilege) -> tuple[Target, str]:
    """Return what to group by: the grantee, and the target, or for the columns of a relation one without a name."""
    target = fact.target
    return replace(target, column="") if isinstance(target, OnColumn) else target, fact.grantee


def _privileges_on(target: Target, facts: list[Privilege]) -> tuple[str, str]:
    """Return the privileges as SQL, and a description of their target."""
    if not isinstance(target, OnColumn):
        return ", ".join(sorted({fact.privilege for fact in facts})), describe_target(target)
    columns: dict[str, set[str]] = {}
    for fact in facts:
        if isinstance(fact.target, OnColumn):
            columns.setdefault(fact.privilege, set()).add(fact.target.column)
    names = ", ".join(f"{privilege} ({identifiers(sorted(on))})" for privilege, on in sorted(columns.items()))
    return names, f"columns of {target.schema}.{target.relation}"


def _unusable_schemas(target: Target, owner: str, owners: Mapping[str, str], kept: Iterable[Fact]) -> list[str]:
    """Return the schemas on which ``owner`` lacks the USAGE that it needs to name the target."""
    needs = target.needs if isinstance(target, OnObjects) else ()
    named = {need.schema for need in needs} | (set() if isinstance(target, OnDatabase) else {target.schema})
    usable = {schema for schema, its_owner in owners.items() if its_owner == owner}
    usable |= {need.schema for need in needs if need.schema not in owners and need.is_usable_by_owner}
    for fact in kept:
        if isinstance(fact, Privilege) and isinstance(fact.target, OnSchema) and fact.grantee == owner:
            usable |= {fact.target.schema} if fact.privilege == "USAGE" else set()
    return sorted(named - usable)


def _as_owner(statement: Statement, owner: str, server: Server, unusable_schemas: list[str]) -> Iterator[Statement]:
    """Run a statement as ``owner``, with a temporary USAGE on the schemas given."""
    if server.master_is_superuser or owner == server.master:
        yield statement
        return
    usage = f"USAGE ON SCHEMA {identifiers(unusable_schemas)}" if unusable_schemas else ""
    reason = f"only {owner} can revoke everything that was granted on its objects"
    acts_as = statement.acts_as
    if usage:
        yield Statement(f"GRANT {usage} TO {identifier(owner)}", reason, acts_as=acts_as, is_bookkeeping=True)
    yield Statement(f"SET LOCAL ROLE {identifier(owner)}", reason, acts_as=acts_as, is_bookkeeping=True)
    yield statement
    yield Statement("RESET ROLE", "the rest runs as the master", is_bookkeeping=True)
    if usage:
        yield Statement(f"REVOKE {usage} FROM {identifier(owner)}", f"{owner} no longer needs it", is_bookkeeping=True)


def _grantor(target: Target, owners: Mapping[str, str]) -> frozenset[str]:
    if isinstance(target, OnObjects | OnColumn):
        # Naming an object requires USAGE on its schema, which the owner of the schema has.
        needs = target.needs if isinstance(target, OnObjects) else ()
        return frozenset({target.owner, owners[target.schema]}) | needed_owners(needs, owners)
    return frozenset({owners[target.schema]}) if isinstance(target, OnSchema) else frozenset()


def needed_owners(needs: Iterable[NeededSchema], owners: Mapping[str, str]) -> frozenset[str]:
    """Return the owners of schemas that a statement names, where the master cannot use them without their rights."""
    return frozenset(
        owners.get(need.schema, need.owner) for need in needs if need.schema in owners or not need.is_usable
    )


def on_target(target: Target) -> str:
    """Return a target as GRANT names it."""
    return " ".join(_named(target))


def _named(target: Target) -> tuple[str, str]:
    if isinstance(target, OnColumn):
        return "TABLE", f"{identifier(target.schema)}.{identifier(target.relation)}"
    if isinstance(target, OnDatabase):
        return "DATABASE", identifier(target.database)
    schema = identifier(target.schema)
    if isinstance(target, OnSchema):
        return "SCHEMA", schema
    return _KEYWORD[target.kind], ", ".join(f"{schema}.{_object(name)}" for name in target.names)


def _object(name: ObjectName) -> str:
    arguments = "" if name.arguments is None else f"({name.arguments})"
    return f"{identifier(name.name)}{arguments}"


def default_privileges(difference: Difference) -> Iterator[Statement]:
    """Revoke default privileges, then grant the missing ones."""
    for verb, direction, facts, is_destructive in (
        ("REVOKE", "FROM", difference.surplus, True),
        ("GRANT", "TO", difference.missing, False),
    ):
        # Join the schemas with the same privileges for a grantee, the grantees with the same schemas, and the creators.
        schemas_of: dict[tuple[tuple[str, ...], bool, ObjectKind, str, str], list[str | None]] = {}
        defaults = [fact for fact in facts if isinstance(fact, DefaultPrivileges)]
        for group, schema, kind, grants in sorted(defaults, key=lambda fact: (fact[0], fact[1] or "", *fact[2:])):
            for grantee, granted in _grouped(grants, itemgetter(0)).items():
                names = ", ".join(dict.fromkeys(privilege for _, privilege, _ in granted))
                schemas_of.setdefault((group, schema is None, kind, grantee, names), []).append(schema)
        receivers_of: dict[tuple[tuple[str, ...], ObjectKind, str, tuple[str | None, ...]], list[str]] = {}
        for (group, _, kind, grantee, names), schemas in schemas_of.items():
            receivers_of.setdefault((group, kind, names, tuple(schemas)), []).append(grantee)
        creators_of: dict[tuple[ObjectKind, str, tuple[str | None, ...], tuple[str, ...]], list[str]] = {}
        for (group, kind, names, on), receivers in receivers_of.items():
            creators_of.setdefault((kind, names, on, tuple(receivers)), []).extend(group)
        for (kind, names, on, to), creators in creators_of.items():
            # Without IN SCHEMA for a default everywhere: with it, revoking a built-in default has no effect.
            schemas_named = [schema for schema in on if schema is not None]
            within = f" IN SCHEMA {identifiers(schemas_named)}" if schemas_named else ""
            where = join_names(f"schema {schema}" for schema in schemas_named) if schemas_named else "any schema"
            verdict = "which is not declared" if is_destructive else "as declared"
            yield Statement(
                f"ALTER DEFAULT PRIVILEGES FOR ROLE {identifiers(creators)}{within}"
                f" {verb} {names} ON {_KEYWORD[kind]}S {direction} {grantees(to)}",
                f"{join_names(to)} {'gets' if len(to) == 1 else 'get'} {names} on every {kind} that "
                f"{join_names(creators)} will create in {where}, {verdict}",
                is_destructive=is_destructive,
                acts_as=frozenset(creators),
            )


def _grouped(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Group items by a key, in the order given."""
    groups: dict[K, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups
