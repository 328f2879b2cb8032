"""Roles as the catalogs have them: what they are, whom they belong to, and what the master may do to them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from pg8000.native import Connection

from db_bootstrap import desired as declared
from db_bootstrap.diff.scope import Scope
from db_bootstrap.document import LIST_SETTINGS, AccessDocument
from db_bootstrap.inspect import queries
from db_bootstrap.model import (
    Attribute,
    Fact,
    Membership,
    RoleAttribute,
    RoleComment,
    RoleExists,
    RoleSetting,
    Server,
)
from db_bootstrap.sql import split_names

Run = Callable[..., Sequence[Sequence[Any]]]
"""Asks one question; its rows."""

_ATTRIBUTE_COLUMNS = (
    Attribute.LOGIN,
    Attribute.INHERIT,
    Attribute.CREATE_DATABASE,
    Attribute.CREATE_ROLE,
    Attribute.SUPERUSER,
    Attribute.REPLICATION,
    Attribute.BYPASS_ROW_SECURITY,
    Attribute.CONNECTION_LIMIT,
    Attribute.VALID_UNTIL,
)

_MASTERS_ATTRIBUTES = (
    Attribute.CREATE_DATABASE,
    Attribute.CREATE_ROLE,
    Attribute.REPLICATION,
    Attribute.BYPASS_ROW_SECURITY,
)
FIRST_VERSION_WITH_PARAMETER_PRIVILEGES = 150000


@dataclass(frozen=True)
class FoundRole:
    """A role of the server that the document declares, retires or once declared, or whose rights are needed.

    Attributes:
        comment: "" for none.
        attributes: In the order of the catalog's columns.
        can_act_as: Whether the master can do what the role can, without being granted anything first.
        has_master_as_member: Whether it can because it is itself a member, not a member of a member.
        is_administered: Whether the master may alter the role and grant it.
    """

    name: str
    comment: str
    attributes: tuple[tuple[Attribute, Any], ...]
    can_act_as: bool
    has_master_as_member: bool
    is_administered: bool

    @property
    def needs_no_joining(self) -> bool:
        """Whether the master acts as this role whatever becomes of others, or has no other way to do so."""
        return self.has_master_as_member or (self.can_act_as and not self.is_administered)

    @property
    def is_in_reach(self) -> bool:
        """Whether the master can do what the role can, if need be by joining it for a while."""
        return self.can_act_as or self.is_administered


@dataclass(frozen=True)
class FoundMemberships:
    """The memberships that a document is concerned with.

    Attributes:
        facts: Those that it could have declared, or can take back.
        actable: Grantors as whom the master acts without joining them.
        notes: Sentences on those that it leaves alone.
    """

    facts: tuple[Membership, ...]
    actable: frozenset[str]
    notes: tuple[str, ...]


def runner(connection: Connection) -> Run:
    """Asks this connection."""

    def run(sql: str, **parameters: object) -> Sequence[Sequence[Any]]:
        rows: Sequence[Sequence[Any]] | None = connection.run(sql, **parameters)
        return rows or []

    return run


def server(run: Run) -> Server:
    """What has to be known of the server."""
    *row, createdb, createrole, replication, bypass, superusers = run(queries.SERVER)[0]
    own = zip(_MASTERS_ATTRIBUTES, (createdb, createrole, replication, bypass), strict=True)
    has = frozenset(attribute for attribute, is_had in own if is_had)
    return Server(*[*row, has, frozenset(superusers)])


def roles(run: Run, document: AccessDocument, found_on: Server, others: Iterable[str]) -> dict[str, FoundRole]:
    """The declared roles that exist, those once declared, the owners of the managed schemas, and these ``others``."""
    # Before version 16 there is no SET option to a membership, and CREATEROLE alone lets one administer any role.
    has_options = found_on.has_membership_options
    rows = run(
        queries.ROLES.format(
            inherit="m.inherit_option" if has_options else "true", set="m.set_option" if has_options else "true"
        ),
        names=sorted({*document.role_names(), declared.IAM_ROLE, *others}),
        schemas=sorted(document.schemas),
        mark=declared.mark(document.database),
        **_rights(found_on),
    )
    return {
        name: FoundRole(name, comment, tuple(zip(_ATTRIBUTE_COLUMNS, values, strict=True)), *rights)
        for name, comment, *values, rights in ((*row[:-3], row[-3:]) for row in rows)
    }


def role_facts(found: Iterable[FoundRole], scope: Scope) -> Iterator[Fact]:
    """What the declared roles among these are."""
    for role in found:
        if role.name in scope.declared_roles:
            yield RoleExists(role.name)
            for attribute, value in role.attributes:
                yield RoleAttribute(role.name, attribute, value)
            if role.comment:
                yield RoleComment(role.name, role.comment)


def role_settings(run: Run, scope: Scope) -> Iterator[RoleSetting]:
    """The settings of managed roles, everywhere and in this database."""
    for role, database, setting in run(queries.ROLE_SETTINGS, names=sorted(scope.managed_roles)):
        spelled, _, value = setting.partition("=")
        name = spelled.lower()  # PostgreSQL ignores case here, and keeps its own: TimeZone
        values = (split_names(value) or ("",)) if name in LIST_SETTINGS else (value,)
        yield RoleSetting(role, database, name, values)


def restricted_settings(run: Run, scope: Scope, found: Iterable[RoleSetting]) -> dict[str, str]:
    """The context of each declared setting that is not found and cannot be given; asked only if there are any."""
    names = sorted({fact.name for fact in set(declared.settings(scope.document)) - set(found)} - {"role"})
    if not names or scope.server.master_is_superuser:
        return {}
    knows = scope.server.version >= FIRST_VERSION_WITH_PARAMETER_PRIVILEGES
    # Before version 15 RDS lets its master set some of them by means that the catalogs do not show.
    may_set = "has_parameter_privilege(name, 'SET')" if knows else str(scope.server.has_iam_role).lower()
    rows = run(queries.RESTRICTED_SETTINGS.format(may_set=may_set), names=names)
    return {name.lower(): context for name, context in rows}


def memberships(run: Run, scope: Scope) -> FoundMemberships:
    """The memberships of managed roles in any, and of any in managed ones."""
    has_options = scope.server.has_membership_options
    query = queries.MEMBERSHIPS.format(
        inherit="m.inherit_option" if has_options else "true", set="m.set_option" if has_options else "true"
    )
    names = sorted(scope.managed_roles)
    rows = [_Row(*row) for row in run(query, names=names, **_rights(scope.server))]
    wanted = {(fact.role, fact.member): fact for fact in declared.memberships(scope.document, scope.server)}
    # The master administers what it has made; that membership is PostgreSQL's own doing.
    rows = [row for row in rows if row.member != scope.server.master and not {row.role, row.member} & set(scope.heirs)]
    if has_options:
        rows = [row for row in rows if row.grantor not in scope.heirs]
        going = _admins_that_go(rows, wanted, scope)
        rows = [row for row in rows if (row.role, row.grantor) not in going]
    facts: list[Membership] = []
    notes: list[str] = []
    rows.sort(key=lambda row: (row.role, row.member, row.grantor))
    for pair, group in groupby(rows, key=lambda row: (row.role, row.member)):
        made = _judged(list(group), wanted.get(pair), wanted, scope)
        facts += [made[0]] if made[0] else []
        notes += made[1]
    actable = frozenset(row.grantor for row in rows if row.can_act_as_grantor and not row.grantor_is_administered)
    return FoundMemberships(tuple(facts), actable, tuple(notes))


@dataclass(frozen=True)
class _Row:
    """A membership as one role granted it; before version 16 there is one for each member, whoever granted it."""

    role: str
    member: str
    grantor: str
    inherit: bool
    set: bool
    admin: bool
    role_is_administered: bool
    can_act_as_grantor: bool
    grantor_is_administered: bool

    def fact(self, *, is_with_grantor: bool = False) -> Membership:
        grantors = (self.grantor,) if is_with_grantor else ()
        return Membership(self.role, self.member, self.inherit, self.set, self.admin, grantors)


_Wanted = dict[tuple[str, str], Membership]


def _judged(
    rows: list[_Row], wanted: Membership | None, all_wanted: _Wanted, scope: Scope
) -> tuple[Membership | None, list[str]]:
    """What the document has to do with these rows of one membership, and sentences on what it leaves alone."""
    role, member = rows[0].role, rows[0].member
    if not scope.is_judged(member):
        return None, [f"{member!r} is a member of {role!r}, and is not declared in the document."]
    if not scope.revokes:
        # Every row counts, whoever granted it; `unlisted` says what is more than declared.
        return _joined([row.fact() for row in rows]), []
    kept, revocable, notes = list[_Row](), list[_Row](), list[str]()
    for row in rows:
        admin = all_wanted.get((role, row.grantor))
        if member not in scope.managed_roles and admin is not None and admin.admin:
            notes.append(f"{member!r} is a member of {role!r} by {row.grantor!r}, which is declared to pass that on.")
        elif _is_revocable(row, scope.server):
            revocable.append(row)
        else:
            kept.append(row)
    at_least = [row.fact() for row in kept]
    in_all = at_least + [row.fact(is_with_grantor=scope.server.has_membership_options) for row in revocable]
    if not in_all:
        return None, notes
    reachable = _joined([*at_least, wanted] if wanted else at_least)
    if kept and reachable != wanted:
        grantors = ", ".join(sorted({repr(row.grantor) for row in kept}))
        notes.append(
            f"{member!r} is a member of {role!r} in a way that is not declared, by {grantors}; only they can revoke it."
        )
    current = _joined(in_all)
    return (wanted if current == reachable else current), notes


def _joined(facts: list[Membership]) -> Membership | None:
    if not facts:
        return None
    made = facts[0]
    for fact in facts[1:]:
        made = made.joined(fact)
    return made


def _is_revocable(row: _Row, found_on: Server) -> bool:
    if found_on.master_is_superuser:
        return True
    if not row.role_is_administered:
        return False
    is_anybodys = not found_on.has_membership_options or row.grantor == found_on.master
    return is_anybodys or row.can_act_as_grantor or row.grantor_is_administered


def _admins_that_go(rows: Iterable[_Row], wanted: _Wanted, scope: Scope) -> set[tuple[str, str]]:
    """Who loses the option to pass which role on, and with it all that they passed on."""
    if not scope.revokes:
        return set()
    options: dict[tuple[str, str], list[_Row]] = {}
    for row in rows:
        declared_one = wanted.get((row.role, row.member))
        if row.admin and scope.is_judged(row.member) and not (declared_one and declared_one.admin):
            options.setdefault((row.role, row.member), []).append(row)
    going = set[tuple[str, str]]()
    while True:
        more = {
            pair
            for pair, granted in options.items()
            if all((row.role, row.grantor) in going or _is_revocable(row, scope.server) for row in granted)
        }
        if more == going:
            return going
        going = more


def _rights(found_on: Server) -> dict[str, str]:
    """What pg_has_role calls the right to act as a role and the right to administer it, on this server."""
    if found_on.has_membership_options:
        return {"act": "SET", "administer": "MEMBER WITH ADMIN OPTION"}
    return {"act": "MEMBER", "administer": ""}
