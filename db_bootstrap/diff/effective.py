"""Effective access before and after a plan: the facts of both moments as catalogs, for the evaluator."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from db_bootstrap import desired
from db_bootstrap.document.model import AccessDocument
from db_bootstrap.effective.access import PRIVILEGES, Access
from db_bootstrap.effective.catalog import Catalog, CatalogRole, Entry, ObjectClass, Objects
from db_bootstrap.effective.changes import Comparison, reached
from db_bootstrap.model import (
    DEFAULT_ATTRIBUTES,
    Attribute,
    DefaultPrivileges,
    Difference,
    Fact,
    Granted,
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
    Server,
    Snapshot,
    Target,
)
from db_bootstrap.sql import PUBLIC

_CLASSES = {kind: ObjectClass.TABLE if kind is ObjectKind.RELATION else ObjectClass(kind.value) for kind in ObjectKind}


class OnFutureObjects(NamedTuple):
    """The target of a privilege: objects that ``creator`` will create in a schema, or in any if that is None."""

    creator: str
    schema: str | None
    kind: ObjectKind


AnyTarget = Target | OnFutureObjects


def compare_access(snapshot: Snapshot, difference: Difference) -> tuple[Comparison, list[AnyTarget]]:
    """Return the access before and after the statements that remove the difference, and the objects in its catalogs."""
    owners = {SchemaOwner(schema, owner) for schema, owner in snapshot.schema_owners.items()}
    # Schema owners name the successor already, and what a new schema will get by default does not hold before.
    old = {
        fact for fact in snapshot.facts if not isinstance(fact, SchemaOwner) and not _is_on_new_schema(fact, snapshot)
    }
    before = old | owners | snapshot.kept | snapshot.implicitly_revoked
    after = (snapshot.facts - difference.surplus) | difference.missing | snapshot.kept
    numbers: dict[AnyTarget, int] = {}
    moments = [_Moment(numbers, snapshot) for _ in range(2)]
    for group in snapshot.groups:
        for moment, owner in zip(moments, (group.key[0], group.owner), strict=True):
            moment.own(desired.target(group), owner)
    for moment, facts in zip(moments, (before, after), strict=True):
        moment.own(OnDatabase(snapshot.server.database), snapshot.server.database_owner)
        for fact in facts:
            moment.add(fact)
    for on, *granted in _defaults_of_one(snapshot.facts, difference):
        for moment, grants in zip(moments, granted, strict=True):
            moment.grant(on, grants)
    targets, names = [*numbers], moments[0].names | moments[1].names | snapshot.roles.keys()
    new = {fact.role for fact in difference.missing if isinstance(fact, RoleExists)}
    now = moments[0].access(snapshot.server, targets, names - new)
    retired = {role.role for role in snapshot.retired_roles}
    return Comparison(now, moments[1].access(snapshot.server, targets, names - retired)), targets


def _is_on_new_schema(fact: Fact, snapshot: Snapshot) -> bool:
    on = fact.target if isinstance(fact, Privilege) else None
    return isinstance(on, OnSchema) and on.schema not in snapshot.schema_owners


def _defaults_of_one(
    actual: Iterable[Fact], difference: Difference
) -> Iterator[tuple[OnFutureObjects, frozenset[Granted], frozenset[Granted]]]:
    """Yield the default privileges before and after, those of one creator where several have the same in a schema.

    Sentences name the schema but no creator, and a document can have many creators.
    """
    held, lost, gained = (defaultdict[OnFutureObjects, set[Granted]](set) for _ in range(3))
    for found, facts in ((held, actual), (lost, difference.surplus), (gained, difference.missing)):
        for fact in facts:
            if isinstance(fact, DefaultPrivileges):
                for creator in fact.creators:
                    found[OnFutureObjects(creator, fact.schema, fact.kind)].update(fact.grants)
    alike: dict[object, tuple[OnFutureObjects, frozenset[Granted], frozenset[Granted]]] = {}
    for on in held.keys() | gained.keys():
        before, after = frozenset(held[on]), frozenset(held[on] - lost[on] | gained[on])
        alike[on.schema or on, on.kind, before, after] = on, before, after
    yield from alike.values()


class _Moment:
    """The access at one moment, from facts; ``numbers`` are the indices of all targets, the same at both moments."""

    def __init__(self, numbers: dict[AnyTarget, int], snapshot: Snapshot) -> None:
        self._numbers = numbers
        self._entries: dict[int, list[Entry]] = {}
        self._owners: dict[int, str] = {}
        self._memberships: list[Membership] = []
        self._attributes = {name: dict(role.attributes) for name, role in snapshot.roles.items()}
        self.names: set[str] = set()

    def own(self, target: AnyTarget, owner: str) -> None:
        """Let a role own something."""
        self._owners[self._numbers.setdefault(target, len(self._numbers))] = owner
        self.names.add(owner)

    def add(self, fact: Fact) -> None:
        """Let a fact hold."""
        match fact:
            case Privilege(grantee, privilege, on, is_grantable):
                self.grant(on, [(grantee, privilege, is_grantable)])
            case SchemaOwner(schema, owner):
                self.own(OnSchema(schema), owner)
            case Membership(role, member):
                self._memberships.append(fact)
                self.names |= {role, member}
            case RoleAttribute(role, attribute, value):
                self._attributes.setdefault(role, {})[attribute] = value
                self.names.add(role)
            case _:
                pass

    def grant(self, on: AnyTarget, granted: Iterable[Granted]) -> None:
        """Let roles have privileges on a target."""
        entries = self._entries.setdefault(self._numbers.setdefault(on, len(self._numbers)), [])
        for grant in granted:
            entries.append(Entry(*grant, ""))
            self.names.add(grant[0])

    def access(self, server: Server, targets: Iterable[AnyTarget], names: AbstractSet[str]) -> Access:
        """Return the access to all targets; ``names`` are the roles that exist."""
        objects = tuple(
            _objects(target, self._owners.get(number, ""), self._entries.get(number, ()))
            for number, target in enumerate(targets)
        )
        roles = {
            name: CatalogRole(name, "", DEFAULT_ATTRIBUTES | self._attributes.get(name, {}), is_expired=False)
            for name in names - {PUBLIC}
        }
        return Access(Catalog(server, roles, tuple(self._memberships), objects, (), (), {}))


def _objects(target: AnyTarget, owner: str, entries: Iterable[Entry]) -> Objects:
    parts: tuple[ObjectClass, str | None, str | None, tuple[str, ...]]
    match target:
        case OnDatabase(name):
            parts = ObjectClass.DATABASE, None, None, (name,)
        case OnSchema(name):
            parts = ObjectClass.SCHEMA, None, None, (name,)
        case OnColumn(schema, relation, name):
            parts = ObjectClass.COLUMN, schema, relation, (name,)
        case OnObjects(schema, kind, names):
            parts = _CLASSES[kind], schema, None, tuple(name.name for name in names)
        case OnFutureObjects(kind=kind):
            parts = _CLASSES[kind], None, None, ()
    cls, within, table, called = parts
    own = (Entry(owner, privilege, is_grantable=True, grantor=owner) for privilege in PRIVILEGES[cls] if owner)
    return Objects(cls, within, table, called, owner, (*own, *entries))


def subjects(document: AccessDocument, server: Server, comparison: Comparison) -> list[str]:
    """Return the roles to report on: logins, undeclared roles, PUBLIC, and roles that no login inherits, or not every.

    A login that does not inherit can act as such a role with SET ROLE.
    """
    declared = document.role_names
    moments = (comparison.before, comparison.after)
    known = comparison.holders.union(*(access.graph.groups for access in moments))
    logins = {role for role in declared if any(_is_login(access, role) for access in moments)} | (known - declared)
    inherited, acted_as = set[str](), set[str]()
    for login in logins:
        groups = {role for access in moments for role in reached(access, login)}
        inherited |= groups
        acted_as |= {*reached(comparison.after, login, "set")} - groups
    existing = (logins | (declared - inherited) | (acted_as & declared)) & comparison.after.catalog.roles.keys()
    return sorted((existing | {PUBLIC}) - server.superusers)


def _is_login(access: Access, role: str) -> bool:
    return role in access.catalog.roles and access.catalog.roles[role].attributes[Attribute.LOGIN] is True
