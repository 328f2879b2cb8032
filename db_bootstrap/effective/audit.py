"""Audit findings: power that a database's privileges alone do not show, and leftovers."""

from collections.abc import Container, Iterator
from typing import Any

from db_bootstrap.effective.access import Access
from db_bootstrap.effective.catalog import Catalog, ObjectClass
from db_bootstrap.effective.questions import MAXIMUM_NAMES, Right, describe, groups_of, right_as_dict, rights_on
from db_bootstrap.effective.sentences import right_lines
from db_bootstrap.model import Attribute
from db_bootstrap.sql import PUBLIC

Finding = tuple[str, str]
"""The kind of a finding, and a sentence."""

_POWERS = {
    "pg_execute_server_program": "can run programs on the server",
    "pg_write_server_files": "can write files of the server",
    "pg_read_server_files": "can read files of the server",
    "pg_write_all_data": "can change all data",
    "pg_read_all_data": "can read all data",
    "rds_superuser": "administers the server",
}
_ATTRIBUTES = {
    Attribute.REPLICATION: "can copy all data by replication",
    Attribute.BYPASS_ROW_SECURITY: "ignores row security",
}
_EXPECTED_OF_PUBLIC = {
    ObjectClass.ROUTINE,
    ObjectClass.TYPE,
    ObjectClass.LANGUAGE,
    ObjectClass.DATABASE,
    ObjectClass.SCHEMA,
}


def findings(access: Access) -> Iterator[Finding]:
    """Yield what is surprising, the most powerful first."""
    yield from _powers(access)
    yield from _security_definers(access)
    yield from _search_path(access.catalog)
    yield from _public(access)
    yield from _leftovers(access.catalog)


def access_of_roles(access: Access) -> dict[str, tuple[tuple[str, ...], tuple[Right, ...]]]:
    """Return what each role can do: sentences on its groups, and its rights, PUBLIC's only under PUBLIC.

    Superusers, who can do everything, and the roles that PostgreSQL brought are left out.
    """
    found = {}
    for role in [PUBLIC, *_roles(access)]:
        rights = (right for on in access.objects_of(role) for right in rights_on(access, role, on, on.names))
        own = tuple(right for right in rights if role == PUBLIC or right.ways[0].basis != "public")
        found[role] = tuple(groups_of(access, role)), own
    return found


def audit_as_dict(access: Access) -> dict[str, Any]:
    """Return the findings and who can do what, as values for JSON."""
    return {
        "action": "audit",
        "database": access.catalog.server.database,
        "findings": [{"kind": kind, "text": text} for kind, text in findings(access)],
        "access": {
            role: {"groups": groups, "rights": [right_as_dict(right) for right in rights]}
            for role, (groups, rights) in access_of_roles(access).items()
        },
    }


def audit_lines(access: Access, *, is_verbose: bool = False) -> Iterator[str]:
    """Yield the findings, and who can do what, roles with the same access together.

    Unless it is verbose, rights through another role are listed only there.
    """
    yield "What is surprising:"
    yield from (f"- {text}" for _, text in findings(access))
    yield "Who can do what, apart from what every role can do:"
    alike: dict[tuple[str, ...], list[str]] = {}
    of_roles = access_of_roles(access)
    for role, (groups, rights) in of_roles.items():
        shown = [right for right in rights if is_verbose or not _is_listed_elsewhere(access, right, of_roles)]
        lines = (*groups, *right_lines(shown, is_verbose=is_verbose, with_role=False))
        alike.setdefault(lines, []).append("every role" if role == PUBLIC else role)
    for lines, roles in alike.items():
        yield f"{', '.join(roles)}: {'nothing' if not lines else ''}".strip()
        yield from (f"  - {line}" for line in lines)


def _is_listed_elsewhere(access: Access, right: Right, listed: Container[str]) -> bool:
    """Return True if a right comes from a listed role, and is as usable for that role."""
    way = right.ways[0]
    through = [role for role in (way.set_role, *way.through) if role is not None and role in listed]
    return bool(through) and access.lacks(through[-1], right.objects) == right.lacks


def _roles(access: Access) -> list[str]:
    return [name for name in access.catalog.roles if not name.startswith("pg_") and name not in access.superusers]


def _powers(access: Access) -> Iterator[Finding]:
    yield "superuser", f"Superusers can do everything: {', '.join(sorted(access.superusers))}."
    powers = _POWERS | dict.fromkeys(access.superusers, "is a superuser")
    for role in _roles(access):
        attributes = access.catalog.roles[role].attributes
        for group, path in sorted(access.paths(role, "is_usable").items()):
            if group in powers and group != role:
                way = f" through {' and '.join(path[:-1])}" if path[1:] else ""
                yield "power", f"{role} can act as {group}, which {powers[group]}{way}."
        yield from (("power", f"{role} {text}.") for attribute, text in _ATTRIBUTES.items() if attributes[attribute])
        if attributes[Attribute.CREATE_ROLE]:
            is_limited = access.catalog.server.has_membership_options
            what = "create roles" if is_limited else "join every role but superusers, and change their passwords"
            yield "power", f"{role} has CREATEROLE: it can {what}."
        if names := sorted(access.graph.administered(role)):
            rest = f" and {len(names) - MAXIMUM_NAMES} more" if names[MAXIMUM_NAMES:] else ""
            yield "admin option", f"{role} can grant to any role: {', '.join(names[:MAXIMUM_NAMES])}{rest}."


def _security_definers(access: Access) -> Iterator[Finding]:
    for on in access.catalog.objects:
        if not on.is_security_definer or on.is_of_extension:
            continue
        callers = {entry.grantee for entry in on.entries} - {on.owner, ""}
        if callers:
            owner = f"{on.owner}, a superuser" if on.owner in access.superusers else on.owner
            pinned = "pinned" if on.is_search_path_pinned else "not pinned"
            power = f"{_names(callers)} can execute {describe(on, on.names)} with the rights of {owner}"
            yield "security definer", f"{power}; its search_path is {pinned}."


def _search_path(catalog: Catalog) -> Iterator[Finding]:
    users: dict[str, set[str]] = {"public": {PUBLIC}}
    for setting in catalog.settings:
        for schema in setting.value if setting.name == "search_path" else ():
            users.setdefault(schema, set()).add(setting.role)
    for on in catalog.objects:
        for name in on.names if on.kind is ObjectClass.SCHEMA and not on.is_of_system else ():
            creators = {entry.grantee for entry in on.entries if entry.privilege == "CREATE"} - {on.owner, ""}
            if creators and name in users:
                power = f"{_names(creators)} can create objects in schema {name}"
                yield "search_path", f"{power}, which is on the search_path of {_names(users[name])}."


def _names(roles: set[str]) -> str:
    return "every role" if PUBLIC in roles else ", ".join(sorted(roles))


def _public(access: Access) -> Iterator[Finding]:
    surprising = [
        right
        for on in access.catalog.objects
        if not on.is_of_extension and not (on.is_default and on.kind in _EXPECTED_OF_PUBLIC)
        for right in rights_on(access, PUBLIC, on, on.names)
        if on.kind not in _EXPECTED_OF_PUBLIC or on.is_of_system or right.privilege == "CREATE"
    ]
    yield from (("public", f"{line}.") for line in right_lines(surprising, is_verbose=False))


def _leftovers(catalog: Catalog) -> Iterator[Finding]:
    for on in catalog.objects:
        if any(not (entry.grantee and entry.grantor) for entry in on.entries):
            yield "dropped role", f"{describe(on, on.names)} has privileges of or by a role that was dropped."
    for role in catalog.roles.values():
        if role.is_expired and role.attributes[Attribute.LOGIN]:
            until = role.attributes[Attribute.VALID_UNTIL]
            yield "expired login", f"The password of {role.name} expired on {until}; other ways to log in still work."
