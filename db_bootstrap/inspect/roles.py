"""Roles as the catalogs have them: attributes, settings, memberships, the master's rights, and retired roles."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from db_bootstrap import desired
from db_bootstrap.diff.scope import Scope, lost_options
from db_bootstrap.document import IAM_ROLE, LIST_SETTINGS, AccessDocument
from db_bootstrap.errors import BootstrapError, ConfigurationError
from db_bootstrap.inspect import queries
from db_bootstrap.inspect.session import OpenElsewhere, Run, catalog_reader
from db_bootstrap.model import (
    FIRST_VERSION_WITH_MEMBERSHIP_OPTIONS,
    ActualRole,
    Attribute,
    Dependency,
    DependencyKind,
    Fact,
    Membership,
    RetiredRole,
    RoleAttribute,
    RoleComment,
    RoleExists,
    RoleSetting,
    Server,
)
from db_bootstrap.sql import identifier, split_names
from db_bootstrap.values import dataclass

ATTRIBUTES = (
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

_MASTER_ATTRIBUTES = (
    Attribute.CREATE_DATABASE,
    Attribute.CREATE_ROLE,
    Attribute.REPLICATION,
    Attribute.BYPASS_ROW_SECURITY,
)
_DATABASE_OWNER = "pg_database_owner"
FIRST_VERSION_WITH_PARAMETER_PRIVILEGES = 150000


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


def server(run: Run) -> Server:
    """Read the properties of the server and the rights of the master."""
    *row, createdb, createrole, replication, bypass, superusers = run(queries.SERVER)[0]
    values = zip(_MASTER_ATTRIBUTES, (createdb, createrole, replication, bypass), strict=True)
    attributes = frozenset(attribute for attribute, is_set in values if is_set)
    return Server(*[*row, attributes, frozenset(superusers)])


def membership_options(version: int) -> dict[str, str]:
    """Return the columns of the options of a membership, which are always true before version 16."""
    if version >= FIRST_VERSION_WITH_MEMBERSHIP_OPTIONS:
        return {"inherit": "m.inherit_option", "set": "m.set_option"}
    return {"inherit": "true", "set": "true"}


def roles(run: Run, document: AccessDocument, on: Server, others: Iterable[str]) -> dict[str, ActualRole]:
    """Read the declared roles, those once declared, the owners of the managed schemas, and ``others``."""
    rows = run(
        queries.ROLES.format(**membership_options(on.version)),
        names=sorted({*document.role_names(), IAM_ROLE, *document.predefined_groups(), *others}),
        schemas=sorted(document.schemas),
        mark=desired.mark(document.database),
        **_rights(on),
    )
    actual: dict[str, ActualRole] = {}
    for name, comment, *values, can_act_as, has_master, is_administered in rows:
        attributes = tuple(zip(ATTRIBUTES, values, strict=True))
        may_be = is_administered or (on.is_rds_master and name not in on.superusers | {_DATABASE_OWNER})
        actual[name] = ActualRole(name, comment, attributes, can_act_as, has_master, is_administered, may_be)
    return actual


def facts_of(run: Run, names: Sequence[str]) -> Iterator[Fact]:
    """Read these roles with their attributes, comments and settings, but without memberships."""
    for name, comment, *values in run(queries.ROLE_ATTRIBUTES, names=names):
        yield RoleExists(name)
        yield RoleComment(name, comment)
        yield from (RoleAttribute(name, *item) for item in zip(ATTRIBUTES, values, strict=True))
    yield from role_settings(run, names)


def joined_memberships(run: Run, version: int, members: Sequence[str] | None = None) -> Iterator[Membership]:
    """Read the memberships of these roles, or of all, joined over their grantors."""
    for row in run(queries.JOINED_MEMBERSHIPS.format(**membership_options(version)), names=members):
        yield Membership(*row)


def role_facts(actual: Iterable[ActualRole], scope: Scope) -> Iterator[Fact]:
    """Yield the facts about the declared roles among these."""
    for role in actual:
        if role.name in scope.declared_roles:
            yield RoleExists(role.name)
            for attribute, value in role.attributes:
                yield RoleAttribute(role.name, attribute, value)
            if role.comment:
                yield RoleComment(role.name, role.comment)


def role_settings(
    run: Run, names: Iterable[str], owners: Iterable[str] = (), belongings: dict[str, dict[str, int]] | None = None
) -> Iterator[RoleSetting]:
    """Read the settings of these roles, for all databases and for this one.

    What belongs to ``owners`` is added to ``belongings``; see `model.Snapshot`.
    """
    for role, database, setting, count in run(queries.ROLE_SETTINGS, names=sorted(names), owners=sorted(owners)):
        if count is None:
            yield RoleSetting(role, database, *parse_setting(setting))
        elif belongings is not None:
            belongings.setdefault(role, {})[setting] = count


def parse_setting(setting: str) -> tuple[str, tuple[str, ...]]:
    """Return name and value of a setting that the catalog has as ``name=value``."""
    spelled, _, value = setting.partition("=")
    name = spelled.lower()  # PostgreSQL ignores case here, and stores some names in mixed case: TimeZone
    return name, (split_names(value) or ("",)) if name in LIST_SETTINGS else (value,)


def restricted_settings(run: Run, scope: Scope, actual: Iterable[RoleSetting]) -> dict[str, str]:
    """Read the context of each missing setting that the master cannot set; no query if none is missing."""
    names = sorted({fact.name for fact in set(desired.settings(scope.document)) - set(actual)} - {"role"})
    if not names or scope.server.master_is_superuser:
        return {}
    has_parameter_privileges = scope.server.version >= FIRST_VERSION_WITH_PARAMETER_PRIVILEGES
    # Before version 15 RDS lets its master set some of them in a way that the catalogs do not show.
    may_set = (
        "has_parameter_privilege(name, 'SET')" if has_parameter_privileges else str(scope.server.has_iam_role).lower()
    )
    rows = run(queries.RESTRICTED_SETTINGS.format(may_set=may_set), names=names)
    return {name.lower(): context for name, context in rows}


def memberships(run: Run, scope: Scope, declared: Iterable[Membership]) -> ActualMemberships:
    """Read the memberships of managed roles in any role, and of any role in managed ones."""
    query = queries.MEMBERSHIPS.format(**membership_options(scope.server.version))
    names = sorted(scope.managed_roles)
    rows = [_Row(*row) for row in run(query, names=names, **_rights(scope.server))]
    desired_memberships = {(fact.role, fact.member): fact for fact in declared}
    # PostgreSQL itself makes the master a member of each role that it creates, to administer it.
    read = [row for row in rows if row.member != scope.server.master]
    rows = [row for row in read if not {row.role, row.member} & set(scope.successors)]
    if scope.server.has_membership_options:
        rows = [row for row in rows if row.grantor not in scope.successors]
        lost = _lost_admin_options(rows, desired_memberships, scope)
        rows = [row for row in rows if (row.role, row.grantor) not in lost]
    facts: list[Membership] = []
    notes: list[str] = []
    irrevocable: list[str] = []
    left: list[_Row] = []
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


@dataclass(frozen=True)
class _Row:
    """A membership by one grantor; before version 16 there is one per member, whoever granted it."""

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


_Memberships = dict[tuple[str, str], Membership]


def _membership(
    rows: list[_Row],
    desired_one: Membership | None,
    desired_memberships: _Memberships,
    scope: Scope,
    irrevocable: list[str],
) -> tuple[Membership | None, list[str], list[_Row]]:
    """Return the fact in scope that the rows of one membership add up to, and sentences on the rows that are kept.

    A sentence on what must not be left alone, and cannot be revoked, is added to ``irrevocable``.
    """
    role, member = rows[0].role, rows[0].member
    if not scope.is_in_scope(member):
        return None, [f"{member!r} is a member of {role!r}, and is not declared in the document."], rows
    if not scope.revokes:
        # Every row counts, whoever granted it; `difference` finds what is not declared.
        return _joined([row.fact() for row in rows]), [], []
    kept: list[_Row] = []
    revocable: list[_Row] = []
    passed_on: list[_Row] = []
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
    if not facts:
        return None
    joined = facts[0]
    for fact in facts[1:]:
        joined = joined.joined(fact)
    return joined


def _is_revocable(row: _Row, scope: Scope) -> bool:
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


def _lost_admin_options(rows: Iterable[_Row], desired_memberships: _Memberships, scope: Scope) -> set[tuple[str, str]]:
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


def _rights(on: Server) -> dict[str, str]:
    """Return the names of the rights to act as a role and to administer it, for pg_has_role on this server.

    Before version 16 there is no SET option, and CREATEROLE alone lets a role administer any other.
    """
    if on.has_membership_options:
        return {"act": "SET", "administer": "MEMBER WITH ADMIN OPTION"}
    return {"act": "MEMBER", "administer": ""}


def retired_roles(run: Run, document: AccessDocument, elsewhere: OpenElsewhere | None) -> tuple[RetiredRole, ...]:
    """Read the retired roles that still exist, with their dependencies in all databases."""
    if not document.retired:
        return ()
    roles = _retired_roles_in(run, document, None)
    others = {database for role in roles.values() for database, _ in role.unread}
    for database in sorted(others):
        try:
            roles_there = _retired_roles_elsewhere(database, document, elsewhere)
        except BootstrapError as error:
            roles = {name: _with_reason(role, database, str(error)) for name, role in roles.items()}
        else:
            roles = {
                name: _with_dependencies(role, roles_there[name], database)
                for name, role in roles.items()
                if name in roles_there
            }
    return tuple(roles[name] for name in sorted(roles))


def _retired_roles_in(run: Run, document: AccessDocument, database: str | None) -> dict[str, RetiredRole]:
    """Read the dependencies in the database that ``run`` queries; all other databases are still unread."""
    roles: dict[str, RetiredRole] = {}
    names = sorted(document.retired)
    successors = [document.retired[name].reassign_to or "" for name in names]
    rows = run(queries.RETIRED_ROLES, retired=names, successors=successors)
    for name, is_superuser, sessions, databases, is_shared, *dependency in rows:
        role = roles.get(name) or RetiredRole(
            name, is_superuser, sessions, (), tuple((other, "") for other in databases)
        )
        # Shared objects are visible from each database, and counted once.
        if is_shared is not None and not (is_shared and database is not None):
            kind, *details = dependency
            read = Dependency(database, DependencyKind(kind), *details)
            role = replace(role, dependencies=(*role.dependencies, read))
        roles[name] = role
    return roles


def _retired_roles_elsewhere(
    database: str, document: AccessDocument, elsewhere: OpenElsewhere | None
) -> dict[str, RetiredRole]:
    if elsewhere is None:
        raise ConfigurationError("There is no way to connect to it from here; apply by the function or command line.")
    with elsewhere(database) as session:
        return _retired_roles_in(catalog_reader(session), document, database)


def _with_dependencies(role: RetiredRole, read: RetiredRole, database: str) -> RetiredRole:
    unread = tuple(item for item in role.unread if item[0] != database)
    return replace(role, dependencies=(*role.dependencies, *read.dependencies), unread=unread)


def _with_reason(role: RetiredRole, database: str, reason: str) -> RetiredRole:
    unread = tuple((name, reason if name == database else known) for name, known in role.unread)
    return replace(role, unread=unread)
