"""Statements about roles: that they are there, what they are like, whom they belong to, and their settings.

Pure.
"""

from collections import defaultdict
from collections.abc import Iterator

from db_bootstrap.diff.descriptions import listed
from db_bootstrap.diff.statement import Difference, Statement, of
from db_bootstrap.model import (
    DEFAULT_ATTRIBUTES,
    Attribute,
    AttributeValue,
    Fact,
    Membership,
    RoleAttribute,
    RoleComment,
    RoleExists,
    RoleSetting,
    Server,
)
from db_bootstrap.sql import identifier, identifiers, literal, setting_name

_SWITCHES = {
    Attribute.LOGIN: "LOGIN",
    Attribute.INHERIT: "INHERIT",
    Attribute.CREATE_DATABASE: "CREATEDB",
    Attribute.CREATE_ROLE: "CREATEROLE",
    Attribute.SUPERUSER: "SUPERUSER",
    Attribute.REPLICATION: "REPLICATION",
    Attribute.BYPASS_ROW_SECURITY: "BYPASSRLS",
}


def new_roles(gap: Difference, wanted: frozenset[Fact]) -> Iterator[Statement]:
    """Roles that are missing, with all their attributes."""
    made = of(gap.missing, RoleExists)
    attributes = defaultdict(list)
    # Facts are many and compared often: none is looked at where no role is missing.
    for fact in wanted if made else ():
        if isinstance(fact, RoleAttribute) and DEFAULT_ATTRIBUTES[fact.attribute] != fact.value:
            attributes[fact.role].append(_attribute(fact.attribute, fact.value))
    for new in made:
        options = "".join(f" {option}" for option in sorted(attributes[new.role]))
        yield Statement(f"CREATE ROLE {identifier(new.role)}{options}", f"role {new.role} is declared and missing")


def attributes(gap: Difference) -> Iterator[Statement]:
    """Attributes of roles that are there."""
    new = {fact.role for fact in of(gap.missing, RoleExists)}
    by_role = defaultdict(list)
    for fact in of(gap.missing, RoleAttribute):
        if fact.role not in new:
            by_role[fact.role].append(fact)
    for role, facts in by_role.items():
        # Only what changes is named: NOSUPERUSER is refused to a master even where it changes nothing.
        options = " ".join(_attribute(fact.attribute, fact.value) for fact in facts)
        changed = ", ".join(fact.attribute.value for fact in facts)
        yield Statement(
            f"ALTER ROLE {identifier(role)} {options}",
            f"role {role} has another {changed} than declared",
            is_destructive=True,
        )


def _attribute(attribute: Attribute, value: AttributeValue) -> str:
    if attribute is Attribute.CONNECTION_LIMIT:
        return f"CONNECTION LIMIT {int(value or 0)}"
    if attribute is Attribute.VALID_UNTIL:
        return f"VALID UNTIL {literal(str(value) if value else 'infinity')}"
    return _SWITCHES[attribute] if value else f"NO{_SWITCHES[attribute]}"


def comments(gap: Difference) -> Iterator[Statement]:
    """Texts and marks of roles."""
    for fact in of(gap.missing, RoleComment):
        yield Statement(
            f"COMMENT ON ROLE {identifier(fact.role)} IS {literal(fact.text)}",
            f"role {fact.role} has another comment than declared, or is not marked as managed",
        )


def memberships(gap: Difference, server: Server) -> Iterator[Statement]:
    """Memberships, those that go first."""
    more = {(fact.role, fact.member): fact for fact in of(gap.missing, Membership)}
    for fact in of(gap.surplus, Membership):
        instead = more.get((fact.role, fact.member))
        if instead is None or not instead.covers(fact):
            yield from _revoked(fact, server)
    # Whoever joins a role in the same way joins it by the same statement: each is a way to the server and back.
    alike: dict[tuple[str, str], list[str]] = {}
    for fact in more.values():
        alike.setdefault((fact.role, _membership_options(fact, server)), []).append(fact.member)
    for (role, options), members in alike.items():
        become = "is declared as a member" if len(members) == 1 else "are declared as members"
        yield Statement(
            f"GRANT {identifier(role)} TO {identifiers(members)}{options}", f"{listed(members)} {become} of {role}"
        )


def _membership_options(fact: Membership, server: Server) -> str:
    if server.has_membership_options:
        return f" WITH ADMIN {_truth(fact.admin)}, INHERIT {_truth(fact.inherit)}, SET {_truth(fact.set)}"
    return " WITH ADMIN OPTION" if fact.admin else ""


def _revoked(fact: Membership, server: Server) -> Iterator[Statement]:
    """From version 16 on a membership belongs to who granted it, and each of them has to take back their own."""
    for grantor in sorted(fact.grantors) or [server.master]:
        is_anothers = server.has_membership_options and grantor != server.master
        granted_by = f" GRANTED BY {identifier(grantor)}" if is_anothers else ""
        # Only what was passed on stands in the way of a revoke, and it has to go as well.
        cascade = " CASCADE" if fact.admin and server.has_membership_options else ""
        yield Statement(
            f"REVOKE {identifier(fact.role)} FROM {identifier(fact.member)}{granted_by}{cascade}",
            f"{fact.member} is a member of {fact.role}, in a way that is not declared",
            is_destructive=True,
            acts_as=frozenset({grantor}) if is_anothers else frozenset(),
        )


def _truth(value: bool) -> str:  # noqa: FBT001 - it renders the value
    return "TRUE" if value else "FALSE"


def settings(gap: Difference) -> Iterator[Statement]:
    """What sessions start with."""
    wanted = {(fact.role, fact.database, fact.name) for fact in of(gap.missing, RoleSetting)}
    for fact in of(gap.surplus, RoleSetting):
        if (fact.role, fact.database, fact.name) not in wanted:
            yield Statement(
                f"ALTER ROLE {identifier(fact.role)}{_in_database(fact)} RESET {setting_name(fact.name)}",
                f"role {fact.role} has the setting {fact.name}, which is not declared",
                is_destructive=True,
            )
    for fact in of(gap.missing, RoleSetting):
        values = ", ".join(literal(value) for value in fact.value)
        yield Statement(
            f"ALTER ROLE {identifier(fact.role)}{_in_database(fact)} SET {setting_name(fact.name)} TO {values}",
            f"sessions of {fact.role} are declared to start with {fact.name}",
        )


def _in_database(fact: RoleSetting) -> str:
    return f" IN DATABASE {identifier(fact.database)}" if fact.database is not None else ""
