"""The memberships that a document decides, among those that the catalogs have."""

from collections.abc import Iterable
from functools import reduce
from itertools import groupby

from db_bootstrap.diff.scope import Scope, lost_options
from db_bootstrap.model import GrantedMembership, Membership
from db_bootstrap.sql import identifier
from db_bootstrap.values import dataclass


@dataclass(frozen=True)
class ActualMemberships:
    """The memberships in a document's scope.

    Attributes:
        facts: Those that it could have declared, or that can be revoked.
        acts_as: Grantors as whom the master acts without joining them.
        irrevocable: Sentences on those that must be revoked and cannot be.
        notes: Sentences on those that are left alone.
        kept: Those that are left alone.
        implicitly_revoked: Those that disappear with an ADMIN OPTION or a retired role.
    """

    facts: tuple[Membership, ...]
    acts_as: frozenset[str]
    irrevocable: tuple[str, ...]
    notes: tuple[str, ...]
    kept: tuple[Membership, ...]
    implicitly_revoked: tuple[Membership, ...]


def memberships(rows: Iterable[GrantedMembership], scope: Scope, declared: Iterable[Membership]) -> ActualMemberships:
    """Select the memberships that the document decides."""
    desired = {(fact.role, fact.member): fact for fact in declared}
    # PostgreSQL itself makes the master a member of each role that it creates, to administer it.
    rows = [row for row in rows if row.member != scope.server.master]
    kept = [row for row in rows if not {row.role, row.member} & scope.managed_roles]
    managed = [row for row in rows if {row.role, row.member} & scope.managed_roles]
    rows = [row for row in managed if not {row.role, row.member} & set(scope.successors)]
    if scope.server.has_membership_options:
        rows = [row for row in rows if row.grantor not in scope.successors]
        lost = _lost_admin_options(rows, desired, scope)
        rows = [row for row in rows if (row.role, row.grantor) not in lost]
    facts: list[Membership] = []
    notes: list[str] = []
    irrevocable: list[str] = []
    remaining = set(rows)
    implicitly_revoked = tuple(row.fact() for row in managed if row not in remaining)
    rows.sort(key=lambda row: (row.role, row.member, row.grantor))
    for _, group in groupby(rows, key=lambda row: (row.role, row.member)):
        fact, notes_on_it, kept_rows = _membership(list(group), desired, scope, irrevocable)
        kept += kept_rows
        facts += [fact] if fact else []
        notes += notes_on_it
    acts_as = frozenset(row.grantor for row in rows if row.can_act_as_grantor and not row.grantor_is_administered)
    kept_facts = tuple(row.fact() for row in kept)
    return ActualMemberships(tuple(facts), acts_as, tuple(irrevocable), tuple(notes), kept_facts, implicitly_revoked)


_Memberships = dict[tuple[str, str], Membership]


def _membership(
    rows: list[GrantedMembership], desired: _Memberships, scope: Scope, irrevocable: list[str]
) -> tuple[Membership | None, list[str], list[GrantedMembership]]:
    """Return the fact in scope that the rows of one membership add up to, and the rows that are kept with sentences.

    A sentence on what must not be left alone, and cannot be revoked, is added to ``irrevocable``.
    """
    role, member = rows[0].role, rows[0].member
    declared = desired.get((role, member))
    if not scope.is_in_scope(member):
        return None, [f"{member!r} is a member of {role!r}, and is not declared in the document."], rows
    if not scope.revokes:
        # Every row counts, by any grantor; `difference` finds what is not declared.
        return _joined([row.fact() for row in rows]), [], []
    kept: list[GrantedMembership] = []
    revocable: list[GrantedMembership] = []
    passed_on: list[GrantedMembership] = []
    notes: list[str] = []
    for row in rows:
        grantor = desired.get((role, row.grantor))
        if member not in scope.managed_roles and grantor is not None and grantor.admin:
            passed_on.append(row)
            notes.append(f"{member!r} is a member of {role!r} by {row.grantor!r}, which is declared to pass that on.")
        elif _is_revocable(row, scope):
            revocable.append(row)
        else:
            kept.append(row)
    at_least = [row.fact() for row in kept]
    in_all = at_least + [row.fact(is_with_grantor=scope.server.has_membership_options) for row in revocable]
    if not in_all:
        return None, notes, passed_on
    reachable = _joined([*at_least, declared] if declared else at_least)
    if kept and reachable != declared:
        grantors = ", ".join(sorted({repr(row.grantor) for row in kept}))
        description = f"{member!r} is a member of {role!r} in a way that is not declared, by {grantors}"
        if {role, member} <= scope.managed_roles:
            irrevocable.append(
                f"{description}, and {scope.server.master!r} cannot revoke it. Declare it, let {grantors} run: "
                f"REVOKE {identifier(role)} FROM {identifier(member)}; or let the creator of {member!r} run: "
                f"DROP ROLE {identifier(member)}; the next apply creates it again."
            )
        else:
            notes.append(f"{description}; only they can revoke it.")
    current = _joined(in_all)
    return (declared if current == reachable else current), notes, kept + passed_on


def _joined(facts: list[Membership]) -> Membership | None:
    return reduce(Membership.joined, facts) if facts else None


def _is_revocable(row: GrantedMembership, scope: Scope) -> bool:
    """Return True if the catalogs say so; on RDS also if only the server can tell."""
    server = scope.server
    if server.has_membership_options and not row.grantor:
        return False  # the grantor was dropped
    if server.master_is_superuser:
        return True
    if not row.role_is_administered and not server.is_rds_master:
        return False
    is_masters = not server.has_membership_options or row.grantor in server.masters
    is_managed = server.is_rds_master and row.grantor in scope.managed_roles
    return is_masters or is_managed or row.can_act_as_grantor or row.grantor_is_administered


def _lost_admin_options(rows: Iterable[GrantedMembership], desired: _Memberships, scope: Scope) -> set[tuple[str, str]]:
    """Return which roles' members lose ADMIN OPTION, and with it all memberships that they granted."""
    if not scope.revokes:
        return set()
    options: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    for row in rows:
        declared = desired.get((row.role, row.member))
        if row.admin and scope.is_in_scope(row.member) and not (declared and declared.admin):
            grant = (row.grantor, _is_revocable(row, scope))
            options.setdefault((row.role, row.member), []).append(grant)
    return lost_options(options)
