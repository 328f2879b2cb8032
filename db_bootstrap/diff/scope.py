"""The scope of a document on one server: the roles it manages, and the part of each access control list it decides."""

import re
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence

from db_bootstrap.desired import holders
from db_bootstrap.document.model import AccessDocument, GrantKind, Unlisted, is_reserved
from db_bootstrap.document.presets import OBJECT_KINDS
from db_bootstrap.model import Entry, Granted, ObjectKind, Server
from db_bootstrap.sql import PUBLIC
from db_bootstrap.values import dataclass

_GONE = re.compile(r"unknown \(OID=\d+\)")
"""The name that PostgreSQL gives to a role that was dropped; no statement can name one in an access control list."""


@dataclass(frozen=True)
class ScopedEntries:
    """The entries of an access control list, by whether the document decides them.

    Attributes:
        granted: Those that the document could have declared, or that can be revoked.
        kept: Those that cannot be revoked, or are left to others: grantee, privilege, and grantor.
        implicitly_revoked: Those that end with a grant option or a retired role, or are replaced by ownership.
    """

    granted: frozenset[Granted]
    kept: tuple[tuple[str, str, str], ...] = ()
    implicitly_revoked: frozenset[Granted] = frozenset()


@dataclass(frozen=True)
class Scope:
    """The roles, schemas and objects that a document decides on this server.

    Attributes:
        managed_roles: Declared roles that exist, and those that have the document's mark and are no longer declared.
        successors: For each retired role that exists: the role that gets what it owns, if any.
    """

    document: AccessDocument
    server: Server
    managed_roles: frozenset[str]
    successors: dict[str, str | None]

    @property
    def schemas(self) -> list[str]:
        """The managed schemas, sorted."""
        return sorted(self.document.schemas)

    @property
    def revokes(self) -> bool:
        """Return True if access that is not declared is revoked."""
        return self.document.unlisted is Unlisted.REVOKE

    def is_protected(self, role: str) -> bool:
        """Return True if this role's access is never revoked: the master, superusers, reserved roles and dropped ones.

        RDS adds roles named ``rds_...`` in new versions.
        """
        is_of_the_server = (is_reserved(role) or role.startswith("rds_")) and role not in self.document.role_names
        return (
            is_of_the_server
            or _GONE.fullmatch(role) is not None
            or role == self.server.master
            or role in self.server.superusers
        )

    def is_managed(self, grantee: str) -> bool:
        """Return True if the document decides this grantee's access to the whole database."""
        return grantee == PUBLIC or grantee in self.managed_roles

    def is_in_scope(self, grantee: str) -> bool:
        """Return True if the document decides this grantee's access to a managed schema."""
        return self.is_managed(grantee) or not self.is_protected(grantee)

    def decides_objects_of(self, owner: str) -> bool:
        """Return True if the document decides the access to the objects of ``owner``."""
        return owner in self.document.role_names or owner == self.server.master

    def successor(self, role: str) -> str:
        """Return the owner of the role's objects after the retired roles are dropped."""
        return self.successors.get(role) or role

    def future_owner(self, schema: str, owner: str) -> str:
        """Return the owner of an object in a managed schema after retirements and adoptions."""
        heir, declared = self.successor(owner), self.document.schemas[schema]
        return declared.owner if heir in declared.adopt else heir

    def select(
        self,
        entries: Iterable[Entry],
        owners: Sequence[str],
        desired: Container[tuple[str, str]],
        *,
        only_managed: bool = False,
    ) -> ScopedEntries:
        """Select the entries of an access control list that the document decides.

        Entries that a grantee granted in turn disappear with its grant option, which no document gives, so they count
        as absent. Entries of retired roles disappear with the role.

        Args:
            entries: The list.
            owners: The current owner and the future one: their grants are the owner's, and they have everything anyway.
            desired: The grantees with the privileges that they should have, by any grantor.
            only_managed: Whether to select entries of managed roles and PUBLIC only.
        """
        is_ours = self.is_managed if only_managed else self.is_in_scope
        ours: list[Entry] = []
        kept = set[tuple[str, str, str]]()
        revoked = set[Granted]()
        for grantee, privilege, is_grantable, grantor in entries:
            ends = grantee in self.successors or (grantor in self.successors and grantor not in owners)
            if ends or grantee in owners:
                revoked.add((grantee, privilege, is_grantable))
            elif is_ours(grantee):
                ours.append((grantee, privilege, is_grantable, grantor))
            else:
                kept.add((grantee, privilege, grantor))
        if not self.revokes:
            return ScopedEntries(frozenset(entry[:3] for entry in ours), tuple(sorted(kept)), frozenset(revoked))
        lost = _lost_privilege_options(ours, owners)
        granted = set[Granted]()
        for grantee, privilege, is_grantable, grantor in ours:
            if grantor in owners:
                granted.add((grantee, privilege, is_grantable))
            elif (privilege, grantor) in lost:
                revoked.add((grantee, privilege, is_grantable))
            elif (grantee, privilege) in desired:
                granted.add((grantee, privilege, False))
            else:
                kept.add((grantee, privilege, grantor))
        return ScopedEntries(frozenset(granted), tuple(sorted(kept)), frozenset(revoked))

    def named_objects(self) -> list[tuple[str, ObjectKind, str]]:
        """Return the objects that the document names: schema, kind, and each name that it may mean."""
        named = {
            (grant.schema or "", OBJECT_KINDS[grant.on], name)
            for holder in holders(self.document)
            for grant in holder.grants
            for written in grant.names or ()
            for name in (written, *(name for name, _ in readings(written) if grant.on is GrantKind.ROUTINES))
        }
        return sorted(named)

    def named_routines(self) -> Iterator[tuple[str, str]]:
        """Yield the routines that the document names: schema, and the name or signature as written."""
        for holder in holders(self.document):
            for grant in holder.grants:
                if grant.on is GrantKind.ROUTINES:
                    yield from ((grant.schema or "", written) for written in grant.names or ())

    def named_columns(self) -> list[tuple[str, str, str]]:
        """Return the columns that the document names: schema, relation, column."""
        named = {
            (grant.schema or "", relation, column)
            for holder in holders(self.document)
            for grant in holder.grants
            for relation in grant.names or ()
            for column in grant.columns or ()
        }
        return sorted(named)


def readings(written: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each way to read a routine's name with the types of its arguments: a name can contain parentheses itself.

    The types are as written, with modes and names of arguments; an argument that is only for output is left out.
    """
    for bracket in re.finditer(r"\(", written) if written.endswith(")") else ():
        listed = written[bracket.end() : -1]
        parts = re.findall(r'(?:"(?:[^"]|"")*"|\([^()]*\)|[^,"()])+', listed)
        if ",".join(parts) != listed:  # an empty part, or a bracket or quote without its counterpart: not a type
            parts = [listed]
        types = (part.strip() for part in parts)
        given = tuple(part for part in types if part and not re.match(r"out\s", part, re.IGNORECASE))
        for name in sorted({written[: bracket.start()], written[: bracket.start()].rstrip()} - {""}):
            yield name, given


def lost_options(options: Mapping[tuple[str, str], Collection[tuple[str, bool]]]) -> set[tuple[str, str]]:
    """Return the options to grant something on that will be lost, each as what it is about and who has it.

    A holder loses an option if each grant of it can be revoked directly, or was made by a holder who loses theirs.

    Args:
        options: For each option, as what it is about and who has it: the grantors, and whether each can be revoked.
    """
    lost = set[tuple[str, str]]()
    while True:
        more = {
            (subject, holder)
            for (subject, holder), grants in options.items()
            if all(is_revocable or (subject, grantor) in lost for grantor, is_revocable in grants)
        }
        if more == lost:
            return lost
        lost = more


def _lost_privilege_options(entries: Iterable[Entry], owners: Container[str]) -> set[tuple[str, str]]:
    options: dict[tuple[str, str], set[tuple[str, bool]]] = {}
    for grantee, privilege, is_grantable, grantor in entries:
        if is_grantable:
            options.setdefault((privilege, grantee), set()).add((grantor, grantor in owners))
    return lost_options(options)
