"""The repair of the alternate login role: it becomes identical to the one in use.

A rotation does not know the access document, and must not wait for an apply. It copies connection limit, settings and
memberships from the login role in use to the other one, so that a rotation does not change the login's access. In any
case the other one gets LOGIN, a password without an expiry date, and membership in the role that has the login's
privileges. It must not be a member of rds_iam: RDS accepts only IAM tokens from members of that role.

`changes` is pure; the rest reads and changes PostgreSQL.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from db_bootstrap.document import IAM_ROLE
from db_bootstrap.errors import UnfitLoginError
from db_bootstrap.inspect.roles import joined_memberships, role_attributes, role_settings
from db_bootstrap.inspect.session import Rows, Session
from db_bootstrap.model import FIRST_VERSION_WITH_MEMBERSHIP_OPTIONS, Attribute
from db_bootstrap.sql import identifier, literal, setting_name

_VERSION = "SELECT current_setting('server_version_num')::int"


@dataclass(frozen=True)
class Setting:
    """A setting of sessions, in one database only unless ``database`` is None."""

    database: str | None
    name: str
    value: tuple[str, ...]


@dataclass(frozen=True, order=True)
class Membership:
    """A membership in a role; before PostgreSQL 16 ``inherit`` and ``set`` are always true."""

    role: str
    inherit: bool = True
    set: bool = True
    admin: bool = False


@dataclass(frozen=True, kw_only=True)
class LoginRole:
    """The properties of a role that matter to a login.

    Attributes:
        connection_limit: Concurrent sessions; -1 for no limit.
        valid_until: The expiry date of its password; None for never.
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
    """A statement and its reason; neither contains a secret."""

    sql: str
    reason: str


def repair_login_role(master: Session, login: str, name: str, current: str) -> tuple[Change, ...]:
    """Make the login role ``name`` identical to the one in use, or create it, and return what was done.

    The caller holds the lock of `apply` and has begun a transaction, which it rolls back after an error. If the login
    role in use is gone, ``name`` is its own model.

    Args:
        master: The master's connection.
        login: The role that has the login's privileges.
        name: The login role to repair.
        current: The login role in use.

    Raises:
        UnfitLoginError: The roles do not exist or are of another kind, or a difference remains.
        StatementError: The server refused a statement.
    """
    version = int(_run(master, _VERSION)[0][0])
    roles = _read_roles(master, [login, name, current], version)
    if login not in roles or roles[login].can_log_in:
        raise UnfitLoginError(
            f"There is no role {login!r} without LOGIN, which the login roles {name!r} and {current!r} must be members "
            "of. Apply the access document, which creates it."
        )
    model = roles.get(current) or roles.get(name)
    if model is None:
        raise UnfitLoginError(
            f"Both login roles of {login!r} are gone, {name!r} and {current!r}, and with them their settings. "
            "Apply the access document, which creates them again."
        )
    desired = desired_login_role(model, login, name)
    made = changes(desired, roles.get(name), version)
    for change in made:
        _run(master, change.sql)
    remaining = changes(desired, _read_roles(master, [name], version).get(name), version) if made else ()
    if remaining:
        listed = "\n".join(f"- {change.reason}: {change.sql}" for change in remaining)
        raise UnfitLoginError(
            f"The login role {name!r} could not be repaired; nothing was changed. PostgreSQL ran these statements "
            f"without an effect, most likely because only another grantor can revoke the membership:\n{listed}"
        )
    return made


def desired_login_role(model: LoginRole, login: str, name: str) -> LoginRole:
    """Return the desired state of the login role ``name`` if ``model`` is the one in use."""
    others = {membership for membership in model.memberships if membership.role not in {login, IAM_ROLE}}
    return replace(
        model,
        name=name,
        can_log_in=True,
        inherits=True,
        valid_until=None,
        memberships=frozenset(others | {Membership(login)}),
    )


def changes(desired: LoginRole, actual: LoginRole | None, version: int) -> tuple[Change, ...]:
    """Return the statements that lead from the actual role to the desired one; none if they are identical.

    Args:
        desired: The desired role.
        actual: The actual role; None if it does not exist.
        version: PostgreSQL's ``server_version_num``.
    """
    created: tuple[Change, ...] = ()
    if actual is None:
        actual = LoginRole(name=desired.name)
        created = (Change(f"CREATE ROLE {identifier(desired.name)} LOGIN", f"login role {desired.name} is missing"),)
    return (
        *created,
        *_attribute_changes(desired, actual),
        *_membership_changes(desired, actual, version),
        *_setting_changes(desired, actual),
    )


def _attribute_changes(desired: LoginRole, actual: LoginRole) -> Iterator[Change]:
    # Name only what changes: a master without superuser rights cannot even repeat the rest.
    pairs = (
        (desired.can_log_in, actual.can_log_in, "LOGIN", "NOLOGIN"),
        (desired.inherits, actual.inherits, "INHERIT", "NOINHERIT"),
        (desired.creates_databases, actual.creates_databases, "CREATEDB", "NOCREATEDB"),
        (desired.creates_roles, actual.creates_roles, "CREATEROLE", "NOCREATEROLE"),
    )
    options = [on if want else off for want, have, on, off in pairs if want != have]
    if desired.connection_limit != actual.connection_limit:
        options.append(f"CONNECTION LIMIT {desired.connection_limit}")
    if desired.valid_until != actual.valid_until:
        options.append("VALID UNTIL 'infinity'")
    role = identifier(desired.name)
    if options:
        yield Change(f"ALTER ROLE {role} {' '.join(options)}", f"login role {desired.name} has other attributes")
    if desired.comment != actual.comment:
        yield Change(
            f"COMMENT ON ROLE {role} IS {literal(desired.comment)}", "the alternate login role has this comment"
        )


def _membership_changes(desired: LoginRole, actual: LoginRole, version: int) -> Iterator[Change]:
    member = identifier(desired.name)
    for membership in sorted(actual.memberships - desired.memberships):
        yield Change(
            f"REVOKE {identifier(membership.role)} FROM {member}",
            f"{desired.name} is a member of {membership.role} in a way that the alternate login role is not",
        )
    for membership in sorted(desired.memberships - actual.memberships):
        if version >= FIRST_VERSION_WITH_MEMBERSHIP_OPTIONS:
            options = (("ADMIN", membership.admin), ("INHERIT", membership.inherit), ("SET", membership.set))
            with_options = " WITH " + ", ".join(f"{name} {str(value).upper()}" for name, value in options)
        else:
            with_options = " WITH ADMIN OPTION" if membership.admin else ""
        yield Change(
            f"GRANT {identifier(membership.role)} TO {member}{with_options}",
            f"{desired.name} is not a member of {membership.role}, or has other options",
        )


def _setting_changes(desired: LoginRole, actual: LoginRole) -> Iterator[Change]:
    kept = {(setting.database, setting.name) for setting in desired.settings}
    for setting in sorted(actual.settings - desired.settings, key=repr):
        if (setting.database, setting.name) not in kept:
            yield Change(
                f"ALTER ROLE {identifier(desired.name)}{_within(setting)} RESET {setting_name(setting.name)}",
                f"sessions of {desired.name} start with {setting.name}, and those of the alternate do not",
            )
    for setting in sorted(desired.settings - actual.settings, key=repr):
        listed = ", ".join(literal(value) for value in setting.value)
        yield Change(
            f"ALTER ROLE {identifier(desired.name)}{_within(setting)} SET {setting_name(setting.name)} TO {listed}",
            f"sessions of {desired.name} do not start with {setting.name} like those of the alternate",
        )


def _within(setting: Setting) -> str:
    return "" if setting.database is None else f" IN DATABASE {identifier(setting.database)}"


def _read_roles(master: Session, names: list[str], version: int) -> dict[str, LoginRole]:
    run = partial(_run, master)
    settings: dict[str, set[Setting]] = {}
    for setting in role_settings(run, names):
        settings.setdefault(setting.role, set()).add(Setting(setting.database, setting.name, setting.value))
    memberships: dict[str, set[Membership]] = {}
    for fact in joined_memberships(run, version, names):
        memberships.setdefault(fact.member, set()).add(Membership(fact.role, fact.inherit, fact.set, fact.admin))
    return {
        name: LoginRole(
            name=name,
            can_log_in=bool(attributes[Attribute.LOGIN]),
            inherits=bool(attributes[Attribute.INHERIT]),
            creates_databases=bool(attributes[Attribute.CREATE_DATABASE]),
            creates_roles=bool(attributes[Attribute.CREATE_ROLE]),
            connection_limit=int(attributes[Attribute.CONNECTION_LIMIT] or 0),
            valid_until=None if (until := attributes[Attribute.VALID_UNTIL]) is None else str(until),
            comment=comment,
            settings=frozenset(settings.get(name, ())),
            memberships=frozenset(memberships.get(name, ())),
        )
        for name, (comment, attributes) in role_attributes(run, names).items()
    }


def _run(master: Session, sql: str, **parameters: Any) -> Rows:
    return master.run(
        sql,
        failure=f"PostgreSQL refused a statement; nothing was changed.\n{sql}",
        advice={
            "42501": "\nThe master must administer the login's roles: grant it each WITH ADMIN OPTION, or drop the "
            "login role, which the next attempt creates again."
        },
        **parameters,
    )
