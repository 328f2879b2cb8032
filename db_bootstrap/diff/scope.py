"""Whom and what a document speaks of on one server, and what of an access control list is its to judge.

Pure: it looks at rows that were read.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from db_bootstrap.desired import holders
from db_bootstrap.document import AccessDocument, GrantKind, Unlisted
from db_bootstrap.document.presets import OBJECT_KINDS
from db_bootstrap.document.routines import possible_names
from db_bootstrap.model import Granted, ObjectKind, Server
from db_bootstrap.sql import PUBLIC

Entry = tuple[str, str, bool, str]
"""An entry of an access control list: grantee, privilege, whether it may be passed on, and who granted it."""


@dataclass(frozen=True)
class Judged:
    """What came of an access control list.

    Attributes:
        granted: What the document could have said, or can take back.
        kept: What it cannot take back, or leaves to others: grantee, privilege, and who granted it.
    """

    granted: frozenset[Granted]
    kept: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Scope:
    """Whom and what the document speaks of on this server.

    Attributes:
        managed_roles: Declared roles that exist, and those that carry the document's mark and are declared no more.
        heirs: For each retired role that exists: who gets what it owns, if anybody.
    """

    document: AccessDocument
    server: Server
    managed_roles: frozenset[str]
    heirs: dict[str, str | None]

    @cached_property
    def declared_roles(self) -> frozenset[str]:
        """The roles that the document declares, whether they exist or not."""
        return self.document.role_names()

    @property
    def schemas(self) -> list[str]:
        """The managed schemas, sorted."""
        return sorted(self.document.schemas)

    @property
    def owners(self) -> list[str]:
        """The declared owners of schemas, sorted."""
        return sorted({schema.owner for schema in self.document.schemas.values()})

    @property
    def revokes(self) -> bool:
        """Whether what is not declared is taken back."""
        return self.document.unlisted is Unlisted.REVOKE

    def is_protected(self, role: str) -> bool:
        """Whether this role's access is nobody's to take: the master's, a superuser's, or a reserved role's."""
        is_reserved = role.startswith(("pg_", "rds")) and role not in self.declared_roles
        return is_reserved or role == self.server.master or role in self.server.superusers

    def is_managed(self, grantee: str) -> bool:
        """Whether this grantee's access to the whole database is the document's to judge."""
        return grantee == PUBLIC or grantee in self.managed_roles

    def is_judged(self, grantee: str) -> bool:
        """Whether this grantee's access to a managed schema is the document's to judge."""
        return self.is_managed(grantee) or not self.is_protected(grantee)

    def heir(self, role: str) -> str:
        """Who owns what this role owned once the retired ones are gone."""
        return self.heirs.get(role) or role

    def judged(
        self,
        entries: Iterable[Entry],
        owners: Sequence[str],
        wished: Container[tuple[str, str]],
        *,
        only_managed: bool = False,
    ) -> Judged:
        """What is to be judged of an access control list.

        What somebody passed on goes with their grant option, which no document gives; so it counts as not there. What
        a retired role has or has granted goes with the role.

        Args:
            entries: The list.
            owners: The owner now and the one to be: their grants are the owner's, and what they have is theirs anyway.
            wished: Which grantees should have which privileges; it does not matter who granted these.
            only_managed: Whether to judge managed roles and everybody alone.
        """
        is_ours = self.is_managed if only_managed else self.is_judged
        mine: list[Entry] = []
        kept = set[tuple[str, str, str]]()
        for grantee, privilege, is_grantable, grantor in entries:
            if grantee in owners or grantee in self.heirs or (grantor in self.heirs and grantor not in owners):
                continue
            if is_ours(grantee):
                mine.append((grantee, privilege, is_grantable, grantor))
            else:
                kept.add((grantee, privilege, grantor))
        if not self.revokes:
            return Judged(frozenset(entry[:3] for entry in mine), tuple(sorted(kept)))
        going = _options_that_go(mine, owners)
        granted = set[Granted]()
        for grantee, privilege, is_grantable, grantor in mine:
            if grantor in owners:
                granted.add((grantee, privilege, is_grantable))
            elif (grantor, privilege) not in going and (grantee, privilege) in wished:
                granted.add((grantee, privilege, False))
            elif (grantor, privilege) not in going:
                kept.add((grantee, privilege, grantor))
        return Judged(frozenset(granted), tuple(sorted(kept)))

    def single_objects(self) -> list[tuple[str, ObjectKind, str]]:
        """The objects that the document names: schema, kind, and what they may be called."""
        found = {
            (grant.schema or "", OBJECT_KINDS[grant.on], name)
            for holder in holders(self.document)
            for grant in holder.grants
            for written in grant.names or ()
            for name in (possible_names(written) if grant.on is GrantKind.ROUTINES else [written])
        }
        return sorted(found)

    def single_columns(self) -> list[tuple[str, str, str]]:
        """The columns that the document names: schema, relation, column."""
        found = {
            (grant.schema or "", relation, column)
            for holder in holders(self.document)
            for grant in holder.grants
            for relation in grant.names or ()
            for column in grant.columns or ()
        }
        return sorted(found)


def _options_that_go(entries: Sequence[Entry], owners: Sequence[str]) -> set[tuple[str, str]]:
    """Who loses the option to pass which privilege on: whoever has it from an owner, or from somebody who loses it."""
    options: dict[tuple[str, str], set[str]] = {}
    for grantee, privilege, is_grantable, grantor in entries:
        if is_grantable:
            options.setdefault((grantee, privilege), set()).add(grantor)
    going = set[tuple[str, str]]()
    while True:
        more = {
            (grantee, privilege)
            for (grantee, privilege), grantors in options.items()
            if all(grantor in owners or (grantor, privilege) in going for grantor in grantors)
        }
        if more == going:
            return going
        going = more
