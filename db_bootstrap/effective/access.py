"""The evaluator: which privileges each role has, and each way that leads to one.

It implements the rules of PostgreSQL's ``aclchk.c`` and ``acl.c``; tests compare every answer with ``has_*_privilege``
and ``pg_has_role``. A privilege counts as held if no SET ROLE is needed for it, as these functions have it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import field, replace
from enum import StrEnum
from functools import cache, cached_property

from db_bootstrap.document.model import COLUMN_PRIVILEGES
from db_bootstrap.document.model import PRIVILEGES as DECLARABLE
from db_bootstrap.effective.catalog import Catalog, ObjectClass, Objects
from db_bootstrap.model import FIRST_VERSION_WITH_MAINTAIN, Attribute, Membership
from db_bootstrap.sql import PUBLIC
from db_bootstrap.values import dataclass

PRIVILEGES: dict[ObjectClass, tuple[str, ...]] = {
    **{ObjectClass(kind.removesuffix("s")): privileges for kind, privileges in DECLARABLE.items()},
    ObjectClass.COLUMN: COLUMN_PRIVILEGES,
    ObjectClass.LANGUAGE: ("USAGE",),
    ObjectClass.FOREIGN_DATA_WRAPPER: ("USAGE",),
    ObjectClass.FOREIGN_SERVER: ("USAGE",),
    ObjectClass.TABLESPACE: ("CREATE",),
    ObjectClass.PARAMETER: ("SET", "ALTER SYSTEM"),
}

PREDEFINED: dict[str, dict[ObjectClass, frozenset[str]]] = {
    "pg_read_all_data": {
        ObjectClass.SCHEMA: frozenset({"USAGE"}),
        ObjectClass.TABLE: frozenset({"SELECT"}),
        ObjectClass.SEQUENCE: frozenset({"SELECT"}),
    },
    "pg_write_all_data": {
        ObjectClass.SCHEMA: frozenset({"USAGE"}),
        ObjectClass.TABLE: frozenset({"INSERT", "UPDATE", "DELETE"}),
        ObjectClass.SEQUENCE: frozenset({"UPDATE"}),
    },
    "pg_maintain": {ObjectClass.TABLE: frozenset({"MAINTAIN"})},
}
"""Privileges that the server gives these roles without an access control list (documentation, "Predefined Roles")."""

DATABASE_OWNER = "pg_database_owner"
"""The role whose only member is the owner of the current database; no catalog shows the membership."""

_WRITING = frozenset({"INSERT", "UPDATE", "DELETE", "TRUNCATE"})

Path = tuple[str, ...]
"""The roles from the first group of a role to the one in question; empty for the role itself."""


@dataclass(frozen=True)
class MembershipGraph:
    """The memberships of roles.

    Attributes:
        groups: By member and role: the membership, joined over its grantors.
    """

    groups: dict[str, dict[str, Membership]] = field(default_factory=dict)

    @classmethod
    def of(cls, memberships: Iterable[Membership], non_inheriting: Iterable[str] = ()) -> "MembershipGraph":
        """Return the graph; memberships by several grantors are joined.

        Before PostgreSQL 16, ``non_inheriting`` are the roles with NOINHERIT, which then inherit from no group.
        """
        groups: dict[str, dict[str, Membership]] = {}
        for membership in memberships:
            of_member = groups.setdefault(membership.member, {})
            of_member[membership.role] = membership.joined(of_member.get(membership.role, membership))
        for member in groups.keys() & {*non_inheriting}:
            groups[member] = {role: replace(joined, inherit=False) for role, joined in groups[member].items()}
        return cls(groups)

    def paths(self, role: str, option: str | None = "inherit") -> dict[str, Path]:
        """Return the role, and those that it reaches by memberships with this property or any, with a shortest path."""
        found: dict[str, Path] = {role: ()}
        pending = [role]
        for member in pending:
            groups = self.groups.get(member, {})
            for group in sorted(groups):
                if group not in found and (option is None or getattr(groups[group], option)):
                    found[group] = (*found[member], group)
                    pending.append(group)
        return found

    def administered(self, role: str) -> set[str]:
        """Return the roles that a role can grant to others, itself or as one of its groups."""
        return {
            group
            for member in self.paths(role, None)
            for group, membership in self.groups.get(member, {}).items()
            if membership.admin and group != role
        }


class Basis(StrEnum):
    """The rule by which a role has a privilege."""

    SUPERUSER = "superuser"
    OWNER = "owner"
    GRANT = "grant"
    PUBLIC = "public"
    PREDEFINED = "predefined role"


@dataclass(frozen=True)
class Way:
    """One way in which a role has a privilege.

    Attributes:
        through: The roles from its first group to the grantee, owner or predefined role; empty for the role itself.
        grantor: The role that granted it; "" if that was dropped, None if nothing was granted.
        is_default: Whether it is a built-in default: the object has no access control list.
        is_grantable: Whether it comes with the grant option.
        set_role: The role that must be set first by SET ROLE, unless None.
        lacks: The schema without whose USAGE it cannot be used, unless None; set by `questions.rights_on`.
    """

    basis: Basis
    through: Path = ()
    grantor: str | None = None
    is_default: bool = False
    is_grantable: bool = False
    set_role: str | None = None
    lacks: str | None = None


class Access:
    """The effective access in a database, evaluated on demand."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        owner = catalog.server.database_owner
        implicit = [Membership(DATABASE_OWNER, owner)] if owner != DATABASE_OWNER else []
        roles = {} if catalog.server.has_membership_options else catalog.roles
        fixed = [name for name, role in roles.items() if not role.attributes[Attribute.INHERIT]]
        self.graph = MembershipGraph.of((*catalog.memberships, *implicit), fixed)
        self.paths = cache(self.graph.paths)
        self.cannot_use = cache(self._cannot_use)
        self.superusers = frozenset(catalog.server.superusers)

    @cached_property
    def _tables(self) -> dict[tuple[str | None, str], Objects]:
        return {
            (on.schema, name): on for on in self.catalog.objects if on.kind is ObjectClass.TABLE for name in on.names
        }

    @cached_property
    def _schemas(self) -> dict[str, Objects]:
        return {name: on for on in self.catalog.objects if on.kind is ObjectClass.SCHEMA for name in on.names}

    @cached_property
    def _by_grantee(self) -> dict[str, list[Objects]]:
        found: dict[str, list[Objects]] = {}
        for on in self.catalog.objects:
            for grantee in {entry.grantee for entry in on.entries}:
                found.setdefault(grantee, []).append(on)
        return found

    def objects_of(self, role: str) -> list[Objects]:
        """Return the objects on which the role itself or a role that it inherits or can set has a privilege."""
        reached = {*self.paths(role), *self.paths(role, "set")}
        if reached & ({*PREDEFINED} | self.superusers):
            return [*self.catalog.objects]
        return [*dict.fromkeys(on for name in sorted(reached) for on in self._by_grantee.get(name, ()))]

    def privileges(self, kind: ObjectClass) -> tuple[str, ...]:
        """Return the privileges that this server has for a class."""
        has_maintain = self.catalog.server.version >= FIRST_VERSION_WITH_MAINTAIN
        return tuple(name for name in PRIVILEGES[kind] if name != "MAINTAIN" or has_maintain)

    def ways(self, role: str, on: Objects) -> Iterator[tuple[str, Way]]:
        """Yield each privilege of a role, or of `sql.PUBLIC`, on these objects, with one of its ways at a time.

        For columns, only privileges on the columns: those on the table count too.
        """
        if role in self.superusers:
            yield from ((privilege, Way(Basis.SUPERUSER, is_grantable=True)) for privilege in self.privileges(on.kind))
            return
        for privilege, way in self._ways(role, on):
            if not (on.is_write_protected and privilege in _WRITING):
                yield privilege, way

    def _ways(self, role: str, on: Objects) -> Iterator[tuple[str, Way]]:
        paths = self.paths(role)
        for grantee, privilege, is_grantable, grantor in on.entries:
            if grantee == PUBLIC:
                yield privilege, Way(Basis.PUBLIC, (), grantor, on.is_default)
            elif (path := paths.get(grantee)) is not None:
                is_owner = grantee == on.owner
                basis = Basis.OWNER if is_owner else Basis.GRANT
                yield (
                    privilege,
                    Way(basis, path, None if is_owner else grantor, is_grantable=is_grantable or is_owner),
                )
        for name, given in PREDEFINED.items():
            if name in paths:
                for privilege in sorted(given.get(on.kind, frozenset()) & {*self.privileges(on.kind)}):
                    yield privilege, Way(Basis.PREDEFINED, paths[name])

    def ways_by_set_role(self, role: str, on: Objects) -> Iterator[tuple[str, Way]]:
        """Yield the privileges that a role has, or can use, only after SET ROLE."""
        if role in self.superusers:
            return
        held = set() if self.lacks(role, on) else {privilege for privilege, _ in self.ways(role, on)}
        for other in self.paths(role, "set"):
            for privilege, way in self.ways(other, on) if other != role else ():
                if privilege not in held:
                    yield privilege, replace(way, set_role=other)

    def rights(self, role: str, on: Objects) -> tuple[frozenset[str], frozenset[str]]:
        """Return the privileges of ``has_*_privilege``, and those for which it says yes WITH GRANT OPTION.

        An owner always has all grant options.
        """
        if role in self.superusers or on.owner in self.paths(role):
            can_grant = frozenset(self.privileges(on.kind))
        else:
            can_grant = frozenset(privilege for privilege, way in self._ways(role, on) if way.is_grantable)
        held = frozenset(privilege for privilege, _ in self.ways(role, on))
        table = self._tables.get((on.schema, on.relation or ""))
        if table is None:
            return held, can_grant
        of_table, table_grants = (rights & {*self.privileges(on.kind)} for rights in self.rights(role, table))
        return held | of_table, can_grant | table_grants

    def _cannot_use(self, role: str, schema: str) -> bool:
        return schema in self._schemas and "USAGE" not in self.rights(role, self._schemas[schema])[0]

    def lacks(self, role: str, on: Objects) -> str | None:
        """Return the schema without whose USAGE the role cannot reach these objects, unless it has that."""
        return on.schema if on.schema is not None and self.cannot_use(role, on.schema) else None
