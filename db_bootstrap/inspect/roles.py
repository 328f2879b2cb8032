"""Roles as the catalogs have them: attributes, settings, memberships, the master's rights, and retired roles."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from db_bootstrap import desired
from db_bootstrap.document.model import IAM_ROLE, LIST_SETTINGS, AccessDocument
from db_bootstrap.errors import BootstrapError, ConfigurationError
from db_bootstrap.inspect import queries
from db_bootstrap.inspect.session import OpenElsewhere, Run, catalog_reader
from db_bootstrap.model import (
    ActualRole,
    Attribute,
    Dependency,
    DependencyKind,
    Fact,
    GrantedMembership,
    Membership,
    RetiredRole,
    RoleAttribute,
    RoleComment,
    RoleExists,
    RoleSetting,
    Server,
)
from db_bootstrap.sql import split_names

_MASTER_ATTRIBUTES = (
    Attribute.CREATE_DATABASE,
    Attribute.CREATE_ROLE,
    Attribute.REPLICATION,
    Attribute.BYPASS_ROW_SECURITY,
)
_DATABASE_OWNER = "pg_database_owner"
FIRST_VERSION_WITH_PARAMETER_PRIVILEGES = 150000


def read_server(run: Run) -> Server:
    """Read the properties of the server and the rights of the master."""
    *row, createdb, createrole, replication, bypass, superusers = run(queries.SERVER)[0]
    values = zip(_MASTER_ATTRIBUTES, (createdb, createrole, replication, bypass), strict=True)
    attributes = frozenset(attribute for attribute, is_set in values if is_set)
    return Server(*[*row, attributes, frozenset(superusers)])


def membership_options(server: Server) -> dict[str, str]:
    """Return the columns of the options of a membership, which are always true before version 16."""
    if server.has_membership_options:
        return {"inherit": "m.inherit_option", "set": "m.set_option"}
    return {"inherit": "true", "set": "true"}


def read_roles(run: Run, document: AccessDocument, server: Server, others: Iterable[str]) -> dict[str, ActualRole]:
    """Read the declared roles, those once declared, the owners of the managed schemas, and ``others``."""
    ((rows,),) = run(
        queries.ROLES.format(**membership_options(server)),
        names=sorted({*document.role_names, IAM_ROLE, *document.predefined_groups(), *others}),
        schemas=sorted(document.schemas),
        mark=desired.mark(document.database),
        **_rights(server),
    )
    actual: dict[str, ActualRole] = {}
    for name, comment, *values, can_act_as, has_master, is_administered in rows:
        attributes = tuple(zip(Attribute, values, strict=True))
        may_be = is_administered or (server.is_rds_master and name not in server.superusers | {_DATABASE_OWNER})
        actual[name] = ActualRole(name, comment, attributes, can_act_as, has_master, is_administered, may_be)
    return actual


def read_role_facts(run: Run, names: Sequence[str]) -> Iterator[Fact]:
    """Read these roles with their attributes, comments and settings, but without memberships."""
    for name, comment, *values in run(queries.ROLE_ATTRIBUTES, names=names):
        yield RoleExists(name)
        yield RoleComment(name, comment)
        yield from (RoleAttribute(name, *item) for item in zip(Attribute, values, strict=True))
    yield from read_role_settings(run, names)[0]


def read_joined_memberships(run: Run, server: Server, members: Sequence[str]) -> Iterator[Membership]:
    """Read the memberships of these roles, joined over their grantors."""
    for row in run(queries.JOINED_MEMBERSHIPS.format(**membership_options(server)), names=members):
        yield Membership(*row)


def read_role_settings(
    run: Run, names: Iterable[str], owners: Iterable[str] = ()
) -> tuple[tuple[RoleSetting, ...], dict[str, dict[str, int]]]:
    """Read the settings of these roles, for all databases and for this one, and what belongs to ``owners``."""
    settings: list[RoleSetting] = []
    belongings: dict[str, dict[str, int]] = {}
    for role, database, setting, count in run(queries.ROLE_SETTINGS, names=sorted(names), owners=sorted(owners)):
        if count is None:
            settings.append(RoleSetting(role, database, *parse_setting(setting)))
        else:
            belongings.setdefault(role, {})[setting] = count
    return tuple(settings), belongings


def parse_setting(setting: str) -> tuple[str, tuple[str, ...]]:
    """Return name and value of a setting that the catalog has as ``name=value``."""
    spelled, _, value = setting.partition("=")
    name = spelled.lower()  # PostgreSQL ignores case here, and stores some names in mixed case: TimeZone
    return name, (split_names(value) or ("",)) if name in LIST_SETTINGS else (value,)


def read_restricted_settings(run: Run, server: Server, names: Iterable[str]) -> dict[str, str]:
    """Read the context of each of these settings that the master cannot set."""
    has_parameter_privileges = server.version >= FIRST_VERSION_WITH_PARAMETER_PRIVILEGES
    # Before version 15 RDS lets its master set some of them in a way that the catalogs do not show.
    may_set = "has_parameter_privilege(name, 'SET')" if has_parameter_privileges else str(server.has_iam_role).lower()
    rows = run(queries.RESTRICTED_SETTINGS.format(may_set=may_set), names=sorted(names))
    return {name.lower(): context for name, context in rows}


def read_memberships(run: Run, server: Server, names: Iterable[str]) -> tuple[GrantedMembership, ...]:
    """Read the memberships of these roles in any role, of the roles that they reach, and of any role in them."""
    query = queries.MEMBERSHIPS.format(**membership_options(server))
    ((rows,),) = run(query, names=sorted(names), **_rights(server))
    return tuple(GrantedMembership(*row) for row in rows)


def _rights(server: Server) -> dict[str, str]:
    """Return the names of the rights to act as a role and to administer it, for pg_has_role on this server.

    Before version 16 there is no SET option, and CREATEROLE alone lets a role administer any other.
    """
    if server.has_membership_options:
        return {"act": "SET", "administer": "MEMBER WITH ADMIN OPTION"}
    return {"act": "MEMBER", "administer": ""}


def read_retired_roles(run: Run, document: AccessDocument, elsewhere: OpenElsewhere | None) -> tuple[RetiredRole, ...]:
    """Read the retired roles that still exist, with their dependencies in all databases."""
    if not document.retired:
        return ()
    roles = _retired_roles_in(run, document, None)
    reasons: dict[str, str] = {}
    for database in sorted({database for role in roles.values() for database, _ in role.unread}):
        try:
            there = _retired_roles_elsewhere(database, document, elsewhere)
        except BootstrapError as error:
            reasons[database] = str(error)
        else:
            roles = {
                name: replace(role, dependencies=(*role.dependencies, *there[name].dependencies))
                for name, role in roles.items()
                if name in there
            }
    return tuple(
        replace(role, unread=tuple((database, reasons[database]) for database, _ in role.unread if database in reasons))
        for _, role in sorted(roles.items())
    )


def _retired_roles_in(run: Run, document: AccessDocument, database: str | None) -> dict[str, RetiredRole]:
    """Read the dependencies in the database that ``run`` queries; all other databases are still unread."""
    roles: dict[str, RetiredRole] = {}
    names = sorted(document.retired)
    successors = [document.retired[name].reassign_to or "" for name in names]
    rows = run(queries.RETIRED_ROLES, retired=names, successors=successors)
    for name, is_superuser, sessions, databases, is_shared, kind, *details in rows:
        unread = tuple((other, "") for other in databases)
        role = roles.get(name) or RetiredRole(name, is_superuser, sessions, (), unread)
        # Shared objects are visible from each database, and counted once.
        if is_shared is not None and not (is_shared and database is not None):
            dependency = Dependency(database, DependencyKind(kind), *details)
            role = replace(role, dependencies=(*role.dependencies, dependency))
        roles[name] = role
    return roles


def _retired_roles_elsewhere(
    database: str, document: AccessDocument, elsewhere: OpenElsewhere | None
) -> dict[str, RetiredRole]:
    if elsewhere is None:
        raise ConfigurationError("There is no way to connect to it from here; apply by the function or command line.")
    with elsewhere(database) as session:
        return _retired_roles_in(catalog_reader(session), document, database)
