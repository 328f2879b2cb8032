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
        leaving: Those that disappear with an ADMIN OPTION or a retired role.
    """

    facts: tuple[Membership, ...]
    acts_as: frozenset[str]
    irrevocable: tuple[str, ...]
    notes: tuple[str, ...]
    kept: tuple[Membership, ...]
    leaving: tuple[Membership, ...]


def memberships(read: Iterable[GrantedMembership], scope: Scope, declared: Iterable[Membership]) -> ActualMemberships:
    """Select the memberships that the document decides."""
    desired_memberships = {(fact.role, fact.member): fact for fact in declared}
    # PostgreSQL itself makes the master a member of each role that it creates, to administer it.
    read = [row for row in read if row.member != scope.server.master]
    left = [row for row in read if not {row.role, row.member} & scope.managed_roles]
    read = [row for row in read if {row.role, row.member} & scope.managed_roles]
    rows = [row for row in read if not {row.role, row.member} & set(scope.successors)]
    if scope.server.has_membership_options:
        rows = [row for row in rows if row.grantor not in scope.successors]
        lost = _lost_admin_options(rows, desired_memberships, scope)
        rows = [row for row in rows if (row.role, row.grantor) not in lost]
    facts: list[Membership] = []
    notes: list[str] = []
    irrevocable: list[str] = []
    staying = set(rows)
    leaving = tuple(row.fact() for row in read if row not in staying)
    rows.sort(key=lambda row: (row.role, row.member, row.grantor))
    for pair, group in groupby(rows, key=lambda row: (row.role, row.member)):
        fact, notes_on_it, kept = _membership(
            list(group), desired_memberships.get(pair), desired_memberships, scope, irrevocable
        )
        left += kept
        facts += [fact] if fact else []
        notes += notes_on_it
    acts_as = frozenset(row.grantor for row in rows if row.can_act_as_grantor and not row.grantor_is_administered)
    kept_facts = tuple(row.fact() for row in left)
    return ActualMemberships(tuple(facts), acts_as, tuple(irrevocable), tuple(notes), kept_facts, leaving)


_Memberships = dict[tuple[str, str], Membership]


def _membership(
    rows: list[GrantedMembership],
    desired_one: Membership | None,
    desired_memberships: _Memberships,
    scope: Scope,
    irrevocable: list[str],
) -> tuple[Membership | None, list[str], list[GrantedMembership]]:
    """Return the fact in scope that the rows of one membership add up to, and sentences on the rows that are kept.

    A sentence on what must not be left alone, and cannot be revoked, is added to ``irrevocable``.
    """
    role, member = rows[0].role, rows[0].member
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
        grantor = desired_memberships.get((role, row.grantor))
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
    reachable = _joined([*at_least, desired_one] if desired_one else at_least)
    if kept and reachable != desired_one:
        grantors = ", ".join(sorted({repr(row.grantor) for row in kept}))
        kept_one = f"{member!r} is a member of {role!r} in a way that is not declared, by {grantors}"
        if {role, member} <= scope.managed_roles:
            irrevocable.append(
                f"{kept_one}, and {scope.server.master!r} cannot revoke it. Declare it, let {grantors} run: "
                f"REVOKE {identifier(role)} FROM {identifier(member)}; or let the creator of {member!r} run: "
                f"DROP ROLE {identifier(member)}; the next apply creates it again."
            )
        else:
            notes.append(f"{kept_one}; only they can revoke it.")
    current = _joined(in_all)
    return (desired_one if current == reachable else current), notes, kept + passed_on


def _joined(facts: list[Membership]) -> Membership | None:
    return reduce(Membership.joined, facts) if facts else None


def _is_revocable(row: GrantedMembership, scope: Scope) -> bool:
    """Return True if the catalogs say so; on RDS also if only the server can tell."""
    on = scope.server
    if on.has_membership_options and not row.grantor:
        return False  # the grantor was dropped
    if on.master_is_superuser:
        return True
    if not row.role_is_administered and not on.is_rds_master:
        return False
    is_masters = not on.has_membership_options or row.grantor in on.masters
    is_managed = on.is_rds_master and row.grantor in scope.managed_roles
    return is_masters or is_managed or row.can_act_as_grantor or row.grantor_is_administered


def _lost_admin_options(
    rows: Iterable[GrantedMembership], desired_memberships: _Memberships, scope: Scope
) -> set[tuple[str, str]]:
    """Return which roles' members lose ADMIN OPTION, and with it all memberships that they granted."""
    if not scope.revokes:
        return set()
    options: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    for row in rows:
        desired_one = desired_memberships.get((row.role, row.member))
        if row.admin and scope.is_in_scope(row.member) and not (desired_one and desired_one.admin):
            grant = (row.grantor, _is_revocable(row, scope))
            options.setdefault((row.role, row.member), []).append(grant)
    return lost_options(options)
