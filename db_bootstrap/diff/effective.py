"""Effective access before and after a plan: what roles have themselves, as members, through PUBLIC and as owners."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from db_bootstrap import desired
from db_bootstrap.document import AccessDocument
from db_bootstrap.effective.access import MembershipGraph
from db_bootstrap.model import (
    Attribute,
    AttributeValue,
    DefaultPrivilege,
    Difference,
    Fact,
    Membership,
    ObjectKind,
    OnDatabase,
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

GRANT_OPTION = "the grant option of "
"""The prefix of a privilege that stands for its grant option."""


class OnFutureObjects(NamedTuple):
    """The target of a privilege: objects that ``creator`` will create in a schema, or in any if that is None."""

    creator: str
    schema: str | None
    kind: ObjectKind


AnyTarget = Target | OnFutureObjects
Item = tuple[str, int]
"""A privilege, and the number of its target: comparing targets would compare the names of thousands of objects."""


class Change(NamedTuple):
    """A role gains or loses a privilege, which it has itself or through another role."""

    is_loss: bool
    through: str
    privilege: str
    target: int


@dataclass
class State:
    """The access at one moment.

    Attributes:
        absent: The roles that do not exist at this moment.
        numbers: By target: its number, the same at every moment.
        tables: By number of a column: that of the target that its relation is a part of.
        held: By role: the items that it has itself.
        memberships: The members of all roles.
        attributes: By role and attribute: the value, of declared roles.
    """

    absent: frozenset[str]
    numbers: dict[AnyTarget, int]
    tables: dict[int, int]
    held: dict[str, set[Item]] = field(default_factory=dict)
    memberships: MembershipGraph = field(default_factory=MembershipGraph)
    attributes: dict[tuple[str, Attribute], AttributeValue] = field(default_factory=dict)

    def reached(self, role: str, option: str = "inherit") -> list[str]:
        """Return the role, those that it reaches by memberships with this option, nearest first, and PUBLIC."""
        return [] if role in self.absent else [*self.memberships.paths(role, option), PUBLIC]

    def ways(self, role: str) -> set[tuple[str, str]]:
        """Return the groups of the role, direct or not, each with an option of the membership."""
        found = {(option, group) for option in ("inherit", "set") for group in self.reached(role, option)}
        if role not in self.absent:
            found |= {("admin", group) for group in self.memberships.administered(role)}
        return {(option, group) for option, group in found if group not in {role, PUBLIC}}

    def greater(self, item: Item) -> set[Item]:
        """Return the other items that include this one."""
        privilege, target = item
        items = {(OWNERSHIP, target)}
        if (table := self.tables.get(target)) is not None:
            items |= {(privilege, table), (OWNERSHIP, table)}
        return items - {item}

    def add(self, role: str, privilege: str, target: AnyTarget, *, is_grantable: bool = False) -> None:
        """Let a role have a privilege."""
        number = self.numbers.setdefault(target, len(self.numbers))
        privileges = (privilege, GRANT_OPTION + privilege) if is_grantable else (privilege,)
        self.held.setdefault(role, set()).update((held, number) for held in privileges)

    def is_login(self, role: str) -> bool:
        """Return True if a declared role can log in."""
        return self.attributes.get((role, Attribute.LOGIN)) is True


def states(snapshot: Snapshot, difference: Difference) -> tuple[State, State]:
    """Return the access before and after the statements that remove the difference."""
    new = frozenset(fact.role for fact in difference.missing if isinstance(fact, RoleExists))
    retired = frozenset(role.role for role in snapshot.retired_roles)
    before: set[Fact] = {
        fact for fact in snapshot.facts if not isinstance(fact, SchemaOwner)
    }  # they name the successor already
    before |= {SchemaOwner(schema, owner) for schema, owner in snapshot.schema_owners.items()}
    after = (snapshot.facts - difference.surplus) | difference.missing
    settled = {
        fact for group in snapshot.settled_defaults for fact in replace(group, creators=group.creators[:1]).facts()
    }
    like_others = _like_others(before, after)
    targets = [desired.target(group) for group in snapshot.groups]
    numbers: dict[AnyTarget, int] = {target: number for number, target in enumerate(targets)}
    relations = {
        (on.schema, name.name): number
        for number, on in enumerate(targets)
        if on.kind is ObjectKind.RELATION
        for name in on.names
    }
    columns = [column.target for column in snapshot.columns]
    numbers |= {column: len(numbers) + index for index, column in enumerate(columns)}
    tables = {numbers[on]: relations[place] for on in columns if (place := (on.schema, on.relation)) in relations}
    owned = [(group.key[0], target) for group, target in zip(snapshot.groups, targets, strict=True)]
    owned_after = [(target.owner, target) for target in targets]
    return (
        _state(
            snapshot,
            State(new, numbers, tables),
            (before - like_others) | settled | snapshot.kept | snapshot.leaving,
            owned,
        ),
        _state(snapshot, State(retired, numbers, tables), (after - like_others) | settled | snapshot.kept, owned_after),
    )


def _like_others(before: AbstractSet[Fact], after: AbstractSet[Fact]) -> set[Fact]:
    """Return the default privileges of creators for a schema that are like another creator's, before and after.

    Sentences name the schema but no creator, and a document can have many creators.
    """
    grants: dict[tuple[str, str, ObjectKind], tuple[set[DefaultPrivilege], set[DefaultPrivilege]]] = {}
    for moment, facts in enumerate((before, after)):
        for fact in facts:
            if isinstance(fact, DefaultPrivilege) and fact.schema is not None:
                grants.setdefault((fact.creator, fact.schema, fact.kind), (set(), set()))[moment].add(fact)
    seen: set[object] = set()
    found: set[Fact] = set()
    for (_, schema, kind), both in grants.items():
        key = (schema, kind, *(frozenset((fact.grantee, fact.privilege) for fact in facts) for facts in both))
        if key in seen:
            found.update(*both)
        seen.add(key)
    return found


def _state(snapshot: Snapshot, state: State, facts: Iterable[Fact], owned: Iterable[tuple[str, Target]]) -> State:
    for owner, target in (*owned, (snapshot.server.database_owner, OnDatabase(snapshot.server.database))):
        state.add(owner, OWNERSHIP, target)
    memberships: list[Membership] = []
    for fact in facts:
        match fact:
            case Privilege(grantee, privilege, on, is_grantable):
                state.add(grantee, privilege, on, is_grantable=is_grantable)
            case DefaultPrivilege(creator, schema, kind, grantee, privilege):
                state.add(grantee, privilege, OnFutureObjects(creator, schema, kind))
            case SchemaOwner(schema, owner):
                state.add(owner, OWNERSHIP, OnSchema(schema))
            case Membership():
                memberships.append(fact)
            case RoleAttribute(role, attribute, value):
                state.attributes[role, attribute] = value
            case _:
                pass
    inherits = {name: dict(role.attributes)[Attribute.INHERIT] for name, role in snapshot.roles.items()}
    inherits |= {role: value for (role, attribute), value in state.attributes.items() if attribute is Attribute.INHERIT}
    fixed = (
        () if snapshot.server.has_membership_options else [role for role, value in inherits.items() if value is False]
    )
    state.memberships = MembershipGraph.of(memberships, fixed)
    return state


def subjects(document: AccessDocument, snapshot: Snapshot, before: State, after: State) -> list[str]:
    """Return the roles to report on: logins, undeclared roles, PUBLIC, and roles that no login inherits, or not every.

    A login that does not inherit can act as such a role with SET ROLE.
    """
    declared = document.role_names()
    known = {role for state in (before, after) for role in (*state.held, *state.memberships.groups)} - {PUBLIC}
    logins = {role for role in declared if before.is_login(role) or after.is_login(role)} | (known - declared)
    inherited, acted_as = set[str](), set[str]()
    for login in logins:
        groups = {*after.reached(login), *before.reached(login)}
        inherited |= groups
        acted_as |= {*after.reached(login, "set")} - groups
    others = (declared - inherited) | (acted_as & declared) | {PUBLIC}
    return sorted((logins | others) - after.absent - snapshot.server.superusers)


def changes(before: State, after: State, role: str) -> Iterator[Change]:
    """Yield what a role loses and gains; what a greater loss or gain includes is left out."""
    for is_loss, one, other in ((True, before, after), (False, after, before)):
        roles, other_roles = one.reached(role), other.reached(role)
        found: dict[Item, str] = {}
        for through in roles:
            same = other.held.get(through, set()) if through in other_roles else set()
            for item in one.held.get(through, set()) - same:
                still = {item, *other.greater(item)}
                if item not in found and all(still.isdisjoint(other.held.get(name, ())) for name in other_roles):
                    found[item] = through
        for item, through in found.items():
            if found.keys().isdisjoint(one.greater(item)):
                yield Change(is_loss, through, *item)
