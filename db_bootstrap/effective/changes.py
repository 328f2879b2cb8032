"""Roles' gains and losses between two states of the same objects."""

from collections.abc import Iterator
from typing import NamedTuple

from db_bootstrap.effective.access import PREDEFINED, Access, Basis
from db_bootstrap.effective.catalog import ObjectClass, Objects
from db_bootstrap.sql import PUBLIC

OWNERSHIP = "ownership"
"""The privilege of an owner, which includes all others."""

GRANT_OPTION = "the grant option of "
"""The prefix of a privilege that stands for its grant option."""


class Change(NamedTuple):
    """A role gains or loses a privilege.

    Attributes:
        through: The role that has it: the role itself, one that it inherits, or `sql.PUBLIC`.
        targets: The indices, in both catalogs, of objects that are alike.
    """

    is_loss: bool
    through: str
    privilege: str
    targets: tuple[int, ...]


_Reached = tuple[str, ...]
"""A role and the roles that it inherits, with `sql.PUBLIC`; empty if it does not exist."""


class Comparison:
    """Two states of access, whose catalogs have the same objects at the same indices.

    Attributes:
        holders: The roles that own something or have a privilege at either moment.
    """

    def __init__(self, before: Access, after: Access) -> None:
        self.before, self.after = before, after
        self._on: dict[int, frozenset[str]] = {}
        self._held: dict[str, set[int]] = {}
        self._changed: dict[str, set[int]] = {}
        self._known: dict[tuple[int, _Reached, _Reached], list[Change]] = {}
        tables = {
            (on.schema, name): index
            for index, on in enumerate(before.catalog.objects)
            for name in (on.names if on.kind is ObjectClass.TABLE else ())
        }
        self._tables = {
            index: tables[on.schema, on.relation]
            for index, on in enumerate(before.catalog.objects)
            if on.relation is not None and (on.schema, on.relation) in tables
        }
        single = {*self._tables, *self._tables.values()}  # their access depends on more than their own lists
        alike: dict[object, list[int]] = {}
        for index, moments in enumerate(zip(before.catalog.objects, after.catalog.objects, strict=True)):
            lists = ((on.kind, on.owner, on.is_write_protected, frozenset(on.entries)) for on in moments)
            alike.setdefault((index if index in single else None, *lists), []).append(index)
        # The first of the objects with equal lists stands for all of them.
        self._alike = {indices[0]: tuple(indices) for indices in alike.values()}
        for index in self._alike:
            old, new = (_holdings(access.catalog.objects[index]) for access in (before, after))
            self._on[index] = frozenset(old.keys() | new.keys() | PREDEFINED.keys())
            for holder in old.keys() | new.keys():
                self._held.setdefault(holder, set()).add(index)
                if old.get(holder) != new.get(holder):
                    self._changed.setdefault(holder, set()).add(index)
        self.holders = frozenset(self._held) - {PUBLIC}
        for column, table in self._tables.items():
            self._on[column] |= self._on[table]
        for role, given in PREDEFINED.items():
            self._held[role] = {index for index in self._alike if before.catalog.objects[index].kind in given}

    def changes(self, role: str) -> Iterator[Change]:
        """Yield what a role, or `sql.PUBLIC`, gains and loses; what a greater change includes is left out."""
        old, new = reached(self.before, role), reached(self.after, role)
        indices = set[int]()
        for name in {*old, *new}:
            indices |= (self._changed if name in old and name in new else self._held).get(name, set())
        for index in sorted(indices):
            yield from self._changes(role, index, old, new)

    def _changes(self, role: str, index: int, old: _Reached, new: _Reached) -> list[Change]:
        """Return the changes on some objects, which are the same for all roles that reach the same holders."""
        holders = self._on[index]
        key = (index, tuple(filter(holders.__contains__, old)), tuple(filter(holders.__contains__, new)))
        if key not in self._known:
            rights, rights_after = _rights(self.before, role, index), _rights(self.after, role, index)
            table = self._tables.get(index)
            of_table = self._changes(role, table, old, new) if table is not None else []
            changes = self._known[key] = []
            for is_loss, access, changed in (
                (True, self.before, rights - rights_after),
                (False, self.after, rights_after - rights),
            ):
                greater = {change.privilege for change in of_table if change.is_loss is is_loss}
                if changed and OWNERSHIP not in greater:
                    through = _nearest(access, role, index)
                    names = sorted(changed & {OWNERSHIP} or changed - greater)
                    changes += (Change(is_loss, through.get(name, role), name, self._alike[index]) for name in names)
        return self._known[key]


def _holdings(on: Objects) -> dict[str, set[tuple[str, bool]]]:
    holdings: dict[str, set[tuple[str, bool]]] = {on.owner: {(OWNERSHIP, True)}} if on.owner else {}
    for grantee, privilege, is_grantable, _ in on.entries:
        holdings.setdefault(grantee, set()).add((privilege, is_grantable))
    return holdings


def reached(access: Access, role: str, option: str = "inherit") -> _Reached:
    """Return the role, those that it reaches by memberships with this option, nearest first, and PUBLIC."""
    return (*access.paths(role, option), PUBLIC) if role == PUBLIC or role in access.catalog.roles else ()


def _rights(access: Access, role: str, index: int) -> set[str]:
    on, roles = access.catalog.objects[index], reached(access, role)
    held, can_grant = access.rights(role, on) if roles else ((), ())
    owned = [OWNERSHIP] if on.owner in roles else []
    return {*held, *(GRANT_OPTION + privilege for privilege in can_grant), *owned}


def _nearest(access: Access, role: str, index: int) -> dict[str, str]:
    """Return the nearest role that has each privilege itself."""
    on = access.catalog.objects[index]
    found = {OWNERSHIP: on.owner}
    for privilege, way in sorted(
        access.ways(role, on), key=lambda item: (item[1].basis is Basis.PUBLIC, len(item[1].through), item[1].through)
    ):
        through = PUBLIC if way.basis is Basis.PUBLIC else (role, *way.through)[-1]
        found.setdefault(privilege, through)
        if way.is_grantable:
            found.setdefault(GRANT_OPTION + privilege, through)
    return found


def groups(access: Access, role: str) -> set[tuple[str, str]]:
    """Return the groups of a role, direct or not, each with an option of the membership."""
    found = {(option, group) for option in ("inherit", "set") for group in reached(access, role, option)}
    if found:
        found |= {("admin", group) for group in access.graph.administered(role)}
    return {(option, group) for option, group in found if group not in {role, PUBLIC}}
