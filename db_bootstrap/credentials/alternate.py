"""The two login roles of a rotated login, kept alike.

A rotation does not know the access document, and must not wait for somebody to apply it. What a login role should have
it takes from the sibling that serves now: its connection limit, settings and memberships, so that a rotation changes
nothing about what the login may do. What a login role must have is given to it in any case: that it may log in, for
ever, as a member of the role that holds the login's privileges. And it must not be a member of rds_iam, for members of
that role RDS asks for an IAM token instead of a password.

`changes` is pure; the rest reads and changes PostgreSQL.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pg8000.exceptions
from pg8000.native import Connection

from db_bootstrap.desired import IAM_ROLE
from db_bootstrap.document import LIST_SETTINGS
from db_bootstrap.errors import StatementError, UnfitLoginError
from db_bootstrap.inspect.session import describe
from db_bootstrap.model import FIRST_VERSION_WITH_MEMBERSHIP_OPTIONS
from db_bootstrap.sql import identifier, literal, setting_name, split_names

_VERSION = "SELECT current_setting('server_version_num')::int"

_ROLES = """
SELECT r.rolname, r.rolcanlogin, r.rolinherit, r.rolcreatedb, r.rolcreaterole, r.rolconnlimit,
       nullif(r.rolvaliduntil, 'infinity')::text, coalesce(shobj_description(r.oid, 'pg_authid'), '')
FROM pg_roles r WHERE r.rolname = ANY (CAST(:names AS text[]))
"""

_SETTINGS = """
SELECT r.rolname, d.datname, s.setting
FROM pg_db_role_setting c
JOIN pg_roles r ON r.oid = c.setrole
LEFT JOIN pg_database d ON d.oid = c.setdatabase,
unnest(c.setconfig) AS s (setting)
WHERE r.rolname = ANY (CAST(:names AS text[])) AND (c.setdatabase = 0 OR d.datname = current_database())
"""

# From version 16 on a membership can stand in several rows, one for each grantor.
_MEMBERSHIPS = """
SELECT member.rolname, role.rolname, bool_or({inherit}), bool_or({set}), bool_or(m.admin_option)
FROM pg_auth_members m
JOIN pg_roles role ON role.oid = m.roleid
JOIN pg_roles member ON member.oid = m.member
WHERE member.rolname = ANY (CAST(:names AS text[]))
GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Setting:
    """What sessions start with; in one database only, unless ``database`` is None."""

    database: str | None
    name: str
    value: str


@dataclass(frozen=True, order=True)
class Membership:
    """The role that somebody is a member of; before PostgreSQL 16 ``inherit`` and ``set`` are always true."""

    role: str
    inherit: bool = True
    set: bool = True
    admin: bool = False


@dataclass(frozen=True, kw_only=True)
class LoginRole:
    """A role, as far as it matters to a login.

    Attributes:
        connection_limit: Sessions at once; -1 for no limit.
        valid_until: When its password expires; None for never.
        comment: "" for none.
    """

    name: str
    can_log_in: bool = True
    inherits: bool = True
    creates_databases: bool = False
    creates_roles: bool = False
    connection_limit: int = -1
    valid_until: str | None = None
    comment: str = ""
    settings: frozenset[Setting] = frozenset()
    memberships: frozenset[Membership] = frozenset()


@dataclass(frozen=True)
class Change:
    """A statement and why it runs; nothing in it is secret."""

    sql: str
    reason: str


def mend(master: Connection, login: str, name: str, serving: str) -> tuple[Change, ...]:
    """Make the login role ``name`` as its sibling ``serving`` is, or create it; what was done.

    The caller holds the lock of `reconcile` and has begun a transaction, which an error of this leaves to be rolled
    back. A sibling that serves and is gone leaves ``name`` its own model.

    Raises:
        UnfitLoginError: The roles are not there, or are of another kind; or it could not be made right.
        StatementError: The server refused a statement.
    """
    version = int(_run(master, _VERSION)[0][0])
    roles = _look(master, [login, name, serving], version)
    if login not in roles or roles[login].can_log_in:
        raise UnfitLoginError(
            f"There is no role {login!r} without a login, which the login roles {name!r} and {serving!r} were members "
            "of. Apply the access document, which makes it."
        )
    model = roles.get(serving) or roles.get(name)
    if model is None:
        raise UnfitLoginError(
            f"Both login roles of {login!r} are gone, {name!r} and {serving!r}, and with them what they were like. "
            "Apply the access document, which makes them anew."
        )
    wanted = fit(model, login, name)
    todo = changes(wanted, roles.get(name), version)
    for change in todo:
        _run(master, change.sql)
    left = changes(wanted, _look(master, [name], version).get(name), version) if todo else ()
    if left:
        listed = "\n".join(f"- {change.reason}: {change.sql}" for change in left)
        raise UnfitLoginError(
            f"The login role {name!r} could not be made right; nothing was changed. PostgreSQL let these statements "
            f"run without an effect, most likely because somebody else granted what only they can revoke:\n{listed}"
        )
    return todo


def fit(model: LoginRole, login: str, name: str) -> LoginRole:
    """The login role ``name`` of a login as it should be, if ``model`` is one that serves."""
    others = {membership for membership in model.memberships if membership.role not in {login, IAM_ROLE}}
    return replace(
        model,
        name=name,
        can_log_in=True,
        inherits=True,
        valid_until=None,
        memberships=frozenset(others | {Membership(login)}),
    )


def changes(wanted: LoginRole, found: LoginRole | None, version: int) -> tuple[Change, ...]:
    """The statements that lead from a role as found to one as wanted; none when they are alike.

    Args:
        wanted: How it should be.
        found: How it is; None if it is not there.
        version: PostgreSQL's ``server_version_num``.
    """
    created: tuple[Change, ...] = ()
    if found is None:
        found = LoginRole(name=wanted.name)
        created = (Change(f"CREATE ROLE {identifier(wanted.name)} LOGIN", f"login role {wanted.name} is missing"),)
    return (
        *created,
        *_attribute_changes(wanted, found),
        *_membership_changes(wanted, found, version),
        *_setting_changes(wanted, found),
    )


def _attribute_changes(wanted: LoginRole, found: LoginRole) -> Iterator[Change]:
    # Only what changes is named: a master that is no superuser may not even repeat the rest.
    pairs = (
        (wanted.can_log_in, found.can_log_in, "LOGIN", "NOLOGIN"),
        (wanted.inherits, found.inherits, "INHERIT", "NOINHERIT"),
        (wanted.creates_databases, found.creates_databases, "CREATEDB", "NOCREATEDB"),
        (wanted.creates_roles, found.creates_roles, "CREATEROLE", "NOCREATEROLE"),
    )
    options = [on if want else off for want, have, on, off in pairs if want != have]
    if wanted.connection_limit != found.connection_limit:
        options.append(f"CONNECTION LIMIT {wanted.connection_limit}")
    if wanted.valid_until != found.valid_until:
        options.append("VALID UNTIL 'infinity'")
    role = identifier(wanted.name)
    if options:
        yield Change(f"ALTER ROLE {role} {' '.join(options)}", f"login role {wanted.name} has other attributes")
    if wanted.comment != found.comment:
        yield Change(f"COMMENT ON ROLE {role} IS {literal(wanted.comment)}", "its sibling carries this comment")


def _membership_changes(wanted: LoginRole, found: LoginRole, version: int) -> Iterator[Change]:
    member = identifier(wanted.name)
    for membership in sorted(found.memberships - wanted.memberships):
        yield Change(
            f"REVOKE {identifier(membership.role)} FROM {member}",
            f"{wanted.name} is a member of {membership.role} in a way that its sibling is not",
        )
    for membership in sorted(wanted.memberships - found.memberships):
        if version >= FIRST_VERSION_WITH_MEMBERSHIP_OPTIONS:
            options = (("ADMIN", membership.admin), ("INHERIT", membership.inherit), ("SET", membership.set))
            with_options = " WITH " + ", ".join(f"{name} {str(value).upper()}" for name, value in options)
        else:
            with_options = " WITH ADMIN OPTION" if membership.admin else ""
        yield Change(
            f"GRANT {identifier(membership.role)} TO {member}{with_options}",
            f"{wanted.name} is no member of {membership.role}, or in another way than it should be",
        )


def _setting_changes(wanted: LoginRole, found: LoginRole) -> Iterator[Change]:
    kept = {(setting.database, setting.name) for setting in wanted.settings}
    for setting in sorted(found.settings - wanted.settings, key=repr):
        if (setting.database, setting.name) not in kept:
            yield Change(
                f"ALTER ROLE {identifier(wanted.name)}{_within(setting)} RESET {setting_name(setting.name)}",
                f"sessions of {wanted.name} start with {setting.name}, and its sibling's do not",
            )
    for setting in sorted(wanted.settings - found.settings, key=repr):
        values = (split_names(setting.value) or ("",)) if setting.name in LIST_SETTINGS else (setting.value,)
        listed = ", ".join(literal(value) for value in values)
        yield Change(
            f"ALTER ROLE {identifier(wanted.name)}{_within(setting)} SET {setting_name(setting.name)} TO {listed}",
            f"sessions of {wanted.name} do not start with {setting.name} as its sibling's do",
        )


def _within(setting: Setting) -> str:
    return "" if setting.database is None else f" IN DATABASE {identifier(setting.database)}"


def _look(master: Connection, names: list[str], version: int) -> dict[str, LoginRole]:
    has_options = version >= FIRST_VERSION_WITH_MEMBERSHIP_OPTIONS
    memberships = _MEMBERSHIPS.format(
        inherit="m.inherit_option" if has_options else "true", set="m.set_option" if has_options else "true"
    )
    settings: dict[str, set[Setting]] = {}
    for role, database, setting in _run(master, _SETTINGS, names=names):
        spelled, _, value = setting.partition("=")
        settings.setdefault(role, set()).add(Setting(database, spelled.lower(), value))
    groups: dict[str, set[Membership]] = {}
    for member, *membership in _run(master, memberships, names=names):
        groups.setdefault(member, set()).add(Membership(*membership))
    return {
        name: LoginRole(
            name=name,
            can_log_in=can_log_in,
            inherits=inherits,
            creates_databases=creates_databases,
            creates_roles=creates_roles,
            connection_limit=limit,
            valid_until=valid_until,
            comment=comment,
            settings=frozenset(settings.get(name, ())),
            memberships=frozenset(groups.get(name, ())),
        )
        for name, can_log_in, inherits, creates_databases, creates_roles, limit, valid_until, comment in _run(
            master, _ROLES, names=names
        )
    }


def _run(master: Connection, sql: str, **parameters: object) -> Sequence[Sequence[Any]]:
    try:
        rows: Sequence[Sequence[Any]] | None = master.run(sql, **parameters)
    except (pg8000.exceptions.Error, OSError) as error:
        message, sqlstate = describe(error)
        advice = (
            "\nThe master must administer the login's roles: grant it each WITH ADMIN OPTION, or drop the login role, "
            "which the next attempt makes anew."
            if sqlstate == "42501"
            else ""
        )
        raise StatementError(
            f"PostgreSQL refused a statement; nothing was changed.\n{sql}\n{message}{advice}", sqlstate
        ) from None
    return rows or []
