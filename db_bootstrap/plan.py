"""The difference between two sets of facts, as ordered statements.

Pure: no connection, no clock, no environment. ``wanted`` is what the document means, ``found`` what the catalog says.
Every statement comes from facts of the difference and from nothing else; the plan is empty when the two agree.

The order, and why: roles come first, since everything names them. Memberships follow, with revokes before grants as
everywhere, so that no moment allows more than the beginning and the end together. Then schemas with their owners, then
privileges on what exists, then those of what will be created, and settings last, which need the roles they name.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import attrs

from db_bootstrap.facts import (
    DEFAULT_ATTRIBUTES,
    Attribute,
    AttributeValue,
    DefaultPrivilege,
    Fact,
    Membership,
    ObjectKind,
    ObjectName,
    OnDatabase,
    OnObjects,
    OnSchema,
    Privilege,
    RoleAttribute,
    RoleComment,
    RoleExists,
    RoleSetting,
    SchemaExists,
    SchemaOwner,
    Server,
    Target,
    builtin_default_privileges,
)
from db_bootstrap.facts import FIRST_VERSION_WITH_MEMBERSHIP_OPTIONS as WITH_OPTIONS
from db_bootstrap.sql import grantees, identifier, literal, setting_name

_F = TypeVar("_F")

_ON_KEYWORD = {ObjectKind.RELATION: "TABLE", ObjectKind.SEQUENCE: "SEQUENCE", ObjectKind.ROUTINE: "ROUTINE"}
_DEFAULTS_KEYWORD = {ObjectKind.RELATION: "TABLES", ObjectKind.SEQUENCE: "SEQUENCES", ObjectKind.ROUTINE: "ROUTINES"}

_SWITCHES = {
    Attribute.LOGIN: "LOGIN",
    Attribute.INHERIT: "INHERIT",
    Attribute.CREATE_DATABASE: "CREATEDB",
    Attribute.CREATE_ROLE: "CREATEROLE",
    Attribute.SUPERUSER: "SUPERUSER",
    Attribute.REPLICATION: "REPLICATION",
    Attribute.BYPASS_ROW_SECURITY: "BYPASSRLS",
}


@attrs.frozen
class Statement:
    """One step towards what the document declares.

    Attributes:
        sql: The statement, complete and quoted; it never holds anything secret.
        reason: Why, in words.
        is_destructive: Whether it takes access away from somebody.
        acts_as: The roles without whose rights the master may not run it.
        database: Where it runs, unless that is the database of the document.
    """

    sql: str
    reason: str
    is_destructive: bool = False
    acts_as: frozenset[str] = frozenset()
    database: str | None = None


@attrs.frozen
class Difference:
    """What is missing and what is too much."""

    missing: frozenset[Fact]
    surplus: frozenset[Fact]

    def __bool__(self) -> bool:
        return bool(self.missing or self.surplus)


def difference(wanted: frozenset[Fact], found: frozenset[Fact]) -> Difference:
    """``wanted - found`` and ``found - wanted``."""
    return Difference(wanted - found, found - wanted)


def statements(
    wanted: frozenset[Fact], found: frozenset[Fact], server: Server, can_act_as: frozenset[str] = frozenset()
) -> tuple[Statement, ...]:
    """The statements that lead from ``found`` to ``wanted``, in an order in which each can run when its turn comes.

    Args:
        wanted: What should hold.
        found: What holds.
        server: Where they will run.
        can_act_as: Roles whose rights the master has anyhow.
    """
    # What a new role or schema is born with is there by the time that its other facts are compared.
    gap = difference(wanted, found | _born_with(wanted - found))
    owners = {fact.schema: fact.owner for fact in wanted if isinstance(fact, SchemaOwner)}
    made = (
        *_new_roles(gap, wanted),
        *_attributes(gap),
        *_comments(gap),
        *_memberships(gap, server),
        *_schemas(gap, owners, {fact.schema: fact.owner for fact in found if isinstance(fact, SchemaOwner)}),
        *_privileges(gap, owners, wanted, server),
        *_default_privileges(gap),
        *_settings(gap),
    )
    return _with_borrowed_memberships(made, server, can_act_as | {server.master})


def _born_with(missing: frozenset[Fact]) -> frozenset[Fact]:
    born: set[Fact] = set()
    for fact in missing:
        if isinstance(fact, RoleExists):
            born |= {RoleAttribute(fact.role, attribute, value) for attribute, value in DEFAULT_ATTRIBUTES.items()}
    creators = {fact.creator for fact in missing if isinstance(fact, DefaultPrivilege)}
    owners = {fact.owner for fact in missing if isinstance(fact, SchemaOwner)}
    new = {fact.role for fact in missing if isinstance(fact, RoleExists)}
    for owner in (creators | owners) & new:
        born |= builtin_default_privileges(owner)
    return frozenset(born)


def _new_roles(gap: Difference, wanted: frozenset[Fact]) -> Iterator[Statement]:
    attributes = defaultdict(list)
    for fact in _of(wanted, RoleAttribute):
        if DEFAULT_ATTRIBUTES[fact.attribute] != fact.value:
            attributes[fact.role].append(_attribute(fact.attribute, fact.value))
    for new in _of(gap.missing, RoleExists):
        options = "".join(f" {option}" for option in sorted(attributes[new.role]))
        yield Statement(f"CREATE ROLE {identifier(new.role)}{options}", f"role {new.role} is declared and missing")


def _attributes(gap: Difference) -> Iterator[Statement]:
    new = {fact.role for fact in _of(gap.missing, RoleExists)}
    by_role = defaultdict(list)
    for fact in _of(gap.missing, RoleAttribute):
        if fact.role not in new:
            by_role[fact.role].append(fact)
    for role, facts in by_role.items():
        # Only what changes is named: NOSUPERUSER is refused to a master even where it changes nothing.
        options = " ".join(_attribute(fact.attribute, fact.value) for fact in facts)
        changed = ", ".join(fact.attribute.value for fact in facts)
        yield Statement(
            f"ALTER ROLE {identifier(role)} {options}",
            f"role {role} has another {changed} than declared",
            is_destructive=True,
        )


def _attribute(attribute: Attribute, value: AttributeValue) -> str:
    if attribute is Attribute.CONNECTION_LIMIT:
        return f"CONNECTION LIMIT {int(value or 0)}"
    if attribute is Attribute.VALID_UNTIL:
        return f"VALID UNTIL {literal(str(value) if value else 'infinity')}"
    return _SWITCHES[attribute] if value else f"NO{_SWITCHES[attribute]}"


def _comments(gap: Difference) -> Iterator[Statement]:
    for fact in _of(gap.missing, RoleComment):
        yield Statement(
            f"COMMENT ON ROLE {identifier(fact.role)} IS {literal(fact.text)}",
            f"role {fact.role} is marked as managed",
        )


def _memberships(gap: Difference, server: Server) -> Iterator[Statement]:
    for fact in _of(gap.surplus, Membership):
        # Only what was passed on stands in the way of a revoke, and it has to go as well.
        cascade = " CASCADE" if fact.admin and server.version >= WITH_OPTIONS else ""
        yield Statement(
            f"REVOKE {identifier(fact.role)} FROM {identifier(fact.member)}{cascade}",
            f"{fact.member} is a member of {fact.role}, in a way that is not declared",
            is_destructive=True,
        )
    for fact in _of(gap.missing, Membership):
        options = f"ADMIN {_truth(fact.admin)}"
        if server.version >= WITH_OPTIONS:
            options += f", INHERIT {_truth(fact.inherit)}, SET {_truth(fact.set)}"
            with_options = f" WITH {options}"
        else:
            with_options = " WITH ADMIN OPTION" if fact.admin else ""
        yield Statement(
            f"GRANT {identifier(fact.role)} TO {identifier(fact.member)}{with_options}",
            f"{fact.member} is declared as a member of {fact.role}",
        )


def _truth(value: bool) -> str:  # noqa: FBT001 - it renders the value
    return "TRUE" if value else "FALSE"


def _schemas(gap: Difference, owners: dict[str, str], owners_before: dict[str, str]) -> Iterator[Statement]:
    new = {fact.schema for fact in _of(gap.missing, SchemaExists)}
    for schema in sorted(new):
        owner = owners[schema]
        yield Statement(
            f"CREATE SCHEMA {identifier(schema)} AUTHORIZATION {identifier(owner)}",
            f"schema {schema} is declared and missing",
            acts_as=frozenset({owner}),
        )
    for fact in _of(gap.missing, SchemaOwner):
        if fact.schema not in new:
            before = owners_before[fact.schema]
            yield Statement(
                f"ALTER SCHEMA {identifier(fact.schema)} OWNER TO {identifier(fact.owner)}",
                f"schema {fact.schema} belongs to {before}, not to {fact.owner} as declared",
                is_destructive=True,
                acts_as=frozenset({before, fact.owner}),
            )


def _privileges(
    gap: Difference, owners: dict[str, str], wanted: frozenset[Fact], server: Server
) -> Iterator[Statement]:
    surplus = _by(_of(gap.surplus, Privilege), lambda fact: (fact.target, fact.grantee))
    missing = _by(_of(gap.missing, Privilege), lambda fact: (fact.target, fact.grantee))
    passable = {key for key, facts in surplus.items() if any(fact.is_grantable for fact in facts)}
    # While a role has a grant option, PostgreSQL may take a statement for that role's instead of the owner's.
    for (target, grantee), facts in sorted(surplus.items(), key=lambda item: item[0] not in passable):
        names = ", ".join(sorted({fact.privilege for fact in facts}))
        revoke = Statement(
            f"REVOKE {names} ON {_target(target)} FROM {grantees([grantee])}",
            f"{grantee} has {names} on {_described(target)}, which is not declared",
            is_destructive=True,
            acts_as=_grantor(target, owners),
        )
        if (target, grantee) not in passable:
            yield revoke
        elif isinstance(target, OnDatabase):
            yield _cascading(revoke)
        else:
            owner = target.owner if isinstance(target, OnObjects) else owners[target.schema]
            may_name_it = {owners[target.schema], server.master}
            there = _of(wanted - gap.missing, Privilege)
            may_name_it |= {fact.grantee for fact in there if fact.target == OnSchema(target.schema)}
            yield from _as_owner(_cascading(revoke), owner, server, target.schema if owner not in may_name_it else None)
    for (target, grantee), facts in missing.items():
        names = ", ".join(sorted({fact.privilege for fact in facts}))
        yield Statement(
            f"GRANT {names} ON {_target(target)} TO {grantees([grantee])}",
            f"{grantee} is declared to have {names} on {_described(target)}",
            acts_as=_grantor(target, owners),
        )


def _cascading(revoke: Statement) -> Statement:
    reason = f"{revoke.reason}; what it passed on goes as well"
    return attrs.evolve(revoke, sql=f"{revoke.sql} CASCADE", reason=reason)


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


def _grantor(target: Target, owners: dict[str, str]) -> frozenset[str]:
    if isinstance(target, OnObjects):
        # Naming an object takes USAGE on its schema, which the schema's owner has.
        return frozenset({target.owner, owners[target.schema]})
    return frozenset({owners[target.schema]}) if isinstance(target, OnSchema) else frozenset()


def _target(target: Target) -> str:
    if isinstance(target, OnDatabase):
        return f"DATABASE {identifier(target.database)}"
    if isinstance(target, OnSchema):
        return f"SCHEMA {identifier(target.schema)}"
    names = ", ".join(f"{identifier(target.schema)}.{_object(name)}" for name in target.names)
    return f"{_ON_KEYWORD[target.kind]} {names}"


def _object(name: ObjectName) -> str:
    arguments = "" if name.arguments is None else f"({name.arguments})"
    return f"{identifier(name.name)}{arguments}"


def _described(target: Target) -> str:
    if isinstance(target, OnDatabase):
        return f"database {target.database}"
    if isinstance(target, OnSchema):
        return f"schema {target.schema}"
    return f"{len(target.names)} {target.kind}(s) of schema {target.schema}"


def _default_privileges(gap: Difference) -> Iterator[Statement]:
    def key(fact: DefaultPrivilege) -> tuple[str, str | None, ObjectKind, str]:
        return fact.creator, fact.schema, fact.kind, fact.grantee

    for verb, direction, facts, is_destructive in (
        ("REVOKE", "FROM", gap.surplus, True),
        ("GRANT", "TO", gap.missing, False),
    ):
        for (creator, schema, kind, grantee), group in _by(_of(facts, DefaultPrivilege), key).items():
            names = ", ".join(sorted({fact.privilege for fact in group}))
            # Without IN SCHEMA where the fact stands for everywhere: with it, revoking a built-in default does nothing.
            within = f" IN SCHEMA {identifier(schema)}" if schema is not None else ""
            where = f"schema {schema}" if schema is not None else "any schema"
            verdict = "which is not declared" if is_destructive else "as declared"
            yield Statement(
                f"ALTER DEFAULT PRIVILEGES FOR ROLE {identifier(creator)}{within}"
                f" {verb} {names} ON {_DEFAULTS_KEYWORD[kind]} {direction} {grantees([grantee])}",
                f"{grantee} gets {names} on every {kind} that {creator} will create in {where}, {verdict}",
                is_destructive=is_destructive,
                acts_as=frozenset({creator}),
            )


def _settings(gap: Difference) -> Iterator[Statement]:
    wanted = {(fact.role, fact.database, fact.name) for fact in _of(gap.missing, RoleSetting)}
    for fact in _of(gap.surplus, RoleSetting):
        if (fact.role, fact.database, fact.name) not in wanted:
            yield Statement(
                f"ALTER ROLE {identifier(fact.role)}{_in_database(fact)} RESET {setting_name(fact.name)}",
                f"role {fact.role} has the setting {fact.name}, which is not declared",
                is_destructive=True,
            )
    for fact in _of(gap.missing, RoleSetting):
        values = ", ".join(literal(value) for value in fact.value)
        yield Statement(
            f"ALTER ROLE {identifier(fact.role)}{_in_database(fact)} SET {setting_name(fact.name)} TO {values}",
            f"sessions of {fact.role} are declared to start with {fact.name}",
        )


def _in_database(fact: RoleSetting) -> str:
    return f" IN DATABASE {identifier(fact.database)}" if fact.database is not None else ""


def _with_borrowed_memberships(
    made: tuple[Statement, ...], server: Server, can_act_as: frozenset[str]
) -> tuple[Statement, ...]:
    """Let the master join the roles that it must act as just before it is needed, and leave them at the end.

    A membership that is committed would let the master's own login fail, should the role ever join ``rds_iam``.
    """
    needed = frozenset[str]().union(*(statement.acts_as for statement in made)) - can_act_as
    if not needed or server.master_is_superuser:
        return made
    first = next(index for index, statement in enumerate(made) if statement.acts_as & needed)
    options = " WITH INHERIT TRUE, SET TRUE" if server.version >= WITH_OPTIONS else ""
    master = identifier(server.master)
    borrow = tuple(
        Statement(
            f"GRANT {identifier(role)} TO {master}{options}",
            f"the master may act as {role} only as its member; until the end of this transaction",
        )
        for role in sorted(needed)
    )
    give_back = tuple(
        Statement(f"REVOKE {identifier(role)} FROM {master}", f"the master needs {role} no longer")
        for role in sorted(needed)
    )
    return (*made[:first], *borrow, *made[first:], *give_back)


def _of(facts: Iterable[Fact], kind: type[_F]) -> list[_F]:
    """The facts of one kind, in an order that does not depend on hashes."""
    return sorted((fact for fact in facts if isinstance(fact, kind)), key=repr)


def _by(facts: Iterable[_F], key: Callable[[_F], object]) -> dict:  # type: ignore[type-arg]
    groups: dict[object, list[_F]] = {}
    for fact in facts:
        groups.setdefault(key(fact), []).append(fact)
    return groups
