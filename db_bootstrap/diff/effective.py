"""Effective access: what each login could do before, and can do after the statements of a plan.

Pure. Access counts whether a role has it itself, as a member that inherits, through PUBLIC or as an owner.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from db_bootstrap import desired
from db_bootstrap.document import AccessDocument
from db_bootstrap.model import (
    Attribute,
    AttributeValue,
    DefaultPrivilege,
    Difference,
    Fact,
    Membership,
    ObjectKind,
    OnColumn,
    OnDatabase,
    OnObjects,
    OnSchema,
    Privilege,
    RoleAttribute,
    RoleExists,
    SchemaOwner,
    Snapshot,
    Target,
)
from db_bootstrap.sql import PUBLIC

OWNERSHIP = "ownership"
"""The privilege of an owner, which includes all others."""

GRANT_OPTION = " WITH GRANT OPTION"


@dataclass(frozen=True)
class OnFutureObjects:
    """The target of a privilege: objects that ``creator`` will create in a schema, or in any if that is None."""

    creator: str
    schema: str | None
    kind: ObjectKind


Item = tuple[str, Target | OnFutureObjects]
"""A privilege and its target."""


@dataclass(frozen=True)
class Change:
    """A login gains or loses a privilege.

    Attributes:
        login: A role; `sql.PUBLIC` for all roles that are not listed.
        is_loss: Whether it had the privilege before; otherwise it has it afterwards.
        through: The role that has the privilege and that the login inherits it from; None for the login itself.
    """

    login: str
    is_loss: bool
    privilege: str
    target: Target | OnFutureObjects
    through: str | None


@dataclass
class State:
    """The access at one moment.

    Attributes:
        held: By role: the items that it has itself.
        groups: By member and role: the membership, joined over its grantors.
        attributes: By role and attribute: the value, of the declared roles.
        tables: By schema and name of a relation: the target that it is a part of.
        absent: The roles that do not exist at this moment.
    """

    absent: frozenset[str]
    held: dict[str, set[Item]] = field(default_factory=dict)
    groups: dict[str, dict[str, Membership]] = field(default_factory=dict)
    attributes: dict[tuple[str, Attribute], AttributeValue] = field(default_factory=dict)
    tables: dict[tuple[str, str], OnObjects] = field(default_factory=dict)

    def reached(self, role: str, option: str = "inherit") -> list[str]:
        """Return the role, those that it reaches by memberships with this option, nearest first, and PUBLIC."""
        if role in self.absent:
            return []
        found = [role]
        for member in found:
            groups = self.groups.get(member, {})
            found += [group for group in sorted(groups) if getattr(groups[group], option) and group not in found]
        return [*found, PUBLIC]

    def ways(self, role: str) -> set[tuple[str, str]]:
        """Return the groups of the role, direct or not, each with an option of the membership."""
        found = {(option, group) for option in ("inherit", "set") for group in self.reached(role, option)}
        for member in self.reached(role, "role"):  # the name, which is never empty: any membership
            found |= {("admin", group) for group, membership in self.groups.get(member, {}).items() if membership.admin}
        return {(option, group) for option, group in found if group not in {role, PUBLIC}}

    def allows(self, roles: Iterable[str], item: Item) -> bool:
        """Return True if one of the roles has the item, or a greater one."""
        items = {item, *self.greater(item)}
        return any(not items.isdisjoint(self.held.get(role, ())) for role in roles)

    def greater(self, item: Item) -> set[Item]:
        """Return the items that include this one."""
        privilege, target = item
        items: set[Item] = {(OWNERSHIP, target)}
        if isinstance(target, OnColumn) and (table := self.tables.get((target.schema, target.relation))):
            items |= {(privilege, table), (OWNERSHIP, table)}
        return items - {item}

    def is_login(self, role: str) -> bool:
        """Return True if a declared role can log in."""
        return self.attributes.get((role, Attribute.LOGIN)) is True


def states(snapshot: Snapshot, difference: Difference) -> tuple[State, State]:
    """Return the access before and after the statements that remove the difference."""
    after = (snapshot.facts - difference.surplus) | difference.missing
    groups = [(group, desired.target(group)) for group in snapshot.groups]
    schemas_after = {fact.schema: fact.owner for fact in after if isinstance(fact, SchemaOwner)}
    owned_before = [(group.key[0], on) for group, on in groups], snapshot.schema_owners
    owned_after = [(group.owner, on) for group, on in groups], schemas_after
    new = frozenset(fact.role for fact in difference.missing if isinstance(fact, RoleExists))
    retired = frozenset(role.role for role in snapshot.retired_roles)
    return (
        _state(snapshot, snapshot.facts | snapshot.kept | snapshot.leaving, *owned_before, new),
        _state(snapshot, after | snapshot.kept, *owned_after, retired),
    )


def _state(
    snapshot: Snapshot,
    facts: Iterable[Fact],
    owned: Iterable[tuple[str, OnObjects]],
    schemas: Mapping[str, str],
    absent: frozenset[str],
) -> State:
    state = State(absent)
    state.held[snapshot.server.database_owner] = {(OWNERSHIP, OnDatabase(snapshot.server.database))}
    for schema, owner in schemas.items():
        state.held.setdefault(owner, set()).add((OWNERSHIP, OnSchema(schema)))
    for owner, target in owned:
        state.held.setdefault(owner, set()).add((OWNERSHIP, target))
        if target.kind is ObjectKind.RELATION:
            state.tables |= {(target.schema, name.name): target for name in target.names}
    _add(state, facts)
    if not snapshot.server.has_membership_options:
        for member, memberships in state.groups.items():
            if state.attributes.get((member, Attribute.INHERIT)) is False:
                state.groups[member] = {role: replace(one, inherit=False) for role, one in memberships.items()}
    return state


def _add(state: State, facts: Iterable[Fact]) -> None:
    for fact in facts:
        match fact:
            case Privilege():
                options = (fact.privilege, fact.privilege + GRANT_OPTION) if fact.is_grantable else (fact.privilege,)
                state.held.setdefault(fact.grantee, set()).update((option, fact.target) for option in options)
            case DefaultPrivilege():
                future = OnFutureObjects(fact.creator, fact.schema, fact.kind)
                state.held.setdefault(fact.grantee, set()).add((fact.privilege, future))
            case Membership():
                memberships = state.groups.setdefault(fact.member, {})
                memberships[fact.role] = memberships.get(fact.role, fact).joined(fact)
            case RoleAttribute():
                state.attributes[fact.role, fact.attribute] = fact.value
            case _:
                pass


def subjects(document: AccessDocument, snapshot: Snapshot, before: State, after: State) -> list[str]:
    """Return the roles whose access is of interest, and PUBLIC.

    They are the logins, the roles that are not declared, and the roles whose privileges no login, or not every login
    that can act as them, has by inheritance.
    """
    declared = document.role_names()
    known = {role for state in (before, after) for role in (*state.held, *state.groups)} - {PUBLIC}
    logins = {role for role in declared if before.is_login(role) or after.is_login(role)} | (known - declared)
    inherited, acted_as = set[str](), set[str]()
    for login in logins:
        groups = {*after.reached(login), *before.reached(login)}
        inherited |= groups
        acted_as |= {*after.reached(login, "set")} - groups
    others = (declared - inherited) | (acted_as & declared)
    return sorted((logins | others | {PUBLIC}) - after.absent - snapshot.server.superusers)


def changes(before: State, after: State, login: str, aliases: frozenset[str]) -> Iterator[Change]:
    """Yield what a login loses and gains.

    Args:
        before: The access before the statements.
        after: The access after them.
        login: The role.
        aliases: Other names of the login; through them it has access itself.
    """
    for is_loss, one, other in ((True, before, after), (False, after, before)):
        roles, other_roles = one.reached(login), other.reached(login)
        found: dict[Item, str] = {}
        for role in roles:
            same = other.held.get(role, set()) if role in other_roles else set[Item]()
            for item in one.held.get(role, set()) - same:
                if item not in found and not other.allows(other_roles, item):
                    found[item] = role
        for item, role in found.items():
            if found.keys().isdisjoint(one.greater(item)):
                yield Change(login, is_loss, *item, None if role == login or role in aliases else role)
