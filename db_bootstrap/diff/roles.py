"""Statements about roles: existence, attributes, comments, memberships and settings."""

from collections import defaultdict
from collections.abc import Iterator

from db_bootstrap.diff.descriptions import join_names
from db_bootstrap.model import (
    DEFAULT_ATTRIBUTES,
    Attribute,
    AttributeValue,
    Difference,
    Fact,
    Membership,
    RoleAttribute,
    RoleComment,
    RoleExists,
    RoleSetting,
    Server,
    Statement,
    sorted_facts,
)
from db_bootstrap.sql import identifier, identifiers, literal, setting_name

_LIMITS = frozenset({Attribute.CONNECTION_LIMIT, Attribute.VALID_UNTIL})


def new_roles(difference: Difference, desired: frozenset[Fact]) -> Iterator[Statement]:
    """Create the missing roles with all their attributes."""
    missing = sorted_facts(difference.missing, RoleExists)
    attributes = defaultdict(list)
    # There may be thousands of facts: skip them all if no role is missing.
    for fact in desired if missing else ():
        if isinstance(fact, RoleAttribute) and DEFAULT_ATTRIBUTES[fact.attribute] != fact.value:
            attributes[fact.role].append(attribute_option(fact.attribute, fact.value))
    for new in missing:
        options = "".join(f" {option}" for option in sorted(attributes[new.role]))
        yield Statement(f"CREATE ROLE {identifier(new.role)}{options}", f"role {new.role} is declared and missing")


def attributes(difference: Difference) -> Iterator[Statement]:
    """Change the attributes of existing roles, those that give access apart from those that take it away."""
    new = {fact.role for fact in sorted_facts(difference.missing, RoleExists)}
    before = {(fact.role, fact.attribute): fact.value for fact in sorted_facts(difference.surplus, RoleAttribute)}
    changes: dict[tuple[str, bool], list[RoleAttribute]] = {}
    for fact in sorted_facts(difference.missing, RoleAttribute):
        if fact.role not in new:
            gives = _allows(fact.attribute, fact.value) > _allows(fact.attribute, before[fact.role, fact.attribute])
            changes.setdefault((fact.role, gives), []).append(fact)
    for (role, gives), facts in changes.items():
        # Name only what changes: PostgreSQL refuses NOSUPERUSER to a master even where it changes nothing.
        options = " ".join(attribute_option(fact.attribute, fact.value) for fact in facts)
        changed = ", ".join(fact.attribute.value for fact in facts)
        yield Statement(
            f"ALTER ROLE {identifier(role)} {options}",
            f"role {role} has another {changed} than declared" + (", and this GIVES ACCESS" if gives else ""),
            is_destructive=not gives,
        )


def _allows(attribute: Attribute, value: AttributeValue) -> tuple[bool, AttributeValue]:
    """Return a key that orders the values of an attribute by what they allow."""
    is_unlimited = value == DEFAULT_ATTRIBUTES[attribute] and attribute in _LIMITS
    return is_unlimited, "" if value is None else value


def attribute_option(attribute: Attribute, value: AttributeValue) -> str:
    """Return the option of ``CREATE ROLE`` that gives an attribute this value."""
    if attribute is Attribute.CONNECTION_LIMIT:
        return f"CONNECTION LIMIT {int(value or 0)}"
    if attribute is Attribute.VALID_UNTIL:
        return f"VALID UNTIL {literal(str(value) if value else 'infinity')}"
    return attribute.upper() if value else f"NO{attribute.upper()}"


def comments(difference: Difference) -> Iterator[Statement]:
    """Set the comments of roles, marks included."""
    for fact in sorted_facts(difference.missing, RoleComment):
        yield Statement(
            f"COMMENT ON ROLE {identifier(fact.role)} IS {literal(fact.text)}",
            f"role {fact.role} has another comment than declared, or is not marked as managed",
        )


def memberships(difference: Difference, server: Server) -> Iterator[Statement]:
    """Revoke memberships, then grant the missing ones."""
    missing = {(fact.role, fact.member): fact for fact in sorted_facts(difference.missing, Membership)}
    revoked: dict[tuple[str, str, frozenset[str]], list[str]] = {}
    for fact in sorted_facts(difference.surplus, Membership):
        replacement = missing.get((fact.role, fact.member))
        for options, acts_as in () if replacement and replacement.covers(fact) else _revoking(fact, server):
            revoked.setdefault((fact.role, options, acts_as), []).append(fact.member)
    for (role, options, acts_as), members in revoked.items():
        are = "is a member" if len(members) == 1 else "are members"
        yield Statement(
            f"REVOKE {identifier(role)} FROM {identifiers(members)}{options}",
            f"{join_names(members)} {are} of {role}, in a way that is not declared",
            is_destructive=True,
            acts_as=acts_as,
        )
    # One statement for all members with the same options: each statement is a round trip.
    members_of: dict[tuple[str, str], list[str]] = {}
    for fact in missing.values():
        members_of.setdefault((fact.role, _membership_options(fact, server)), []).append(fact.member)
    for (role, options), members in members_of.items():
        become = "is declared as a member" if len(members) == 1 else "are declared as members"
        yield Statement(
            f"GRANT {identifier(role)} TO {identifiers(members)}{options}", f"{join_names(members)} {become} of {role}"
        )


def _membership_options(fact: Membership, server: Server) -> str:
    if server.has_membership_options:
        return f" WITH ADMIN {fact.admin}, INHERIT {fact.inherit}, SET {fact.set}".upper()
    return " WITH ADMIN OPTION" if fact.admin else ""


def _revoking(fact: Membership, server: Server) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield how to revoke a membership, with the roles to act as; from version 16 on, once as each of its grantors."""
    # Without GRANTED BY, the server chooses the grantor that it records for the master's grants.
    chosen_by_server = server.masters - {server.master}
    for grantor in sorted({"" if name in chosen_by_server else name for name in fact.grantors or ("",)}):
        granted_by = f" GRANTED BY {identifier(grantor)}" if grantor else ""
        # Memberships that the member granted in turn would block the revoke, and must go as well.
        cascade = " CASCADE" if fact.admin and server.has_membership_options else ""
        yield f"{granted_by}{cascade}", frozenset({grantor} - {"", server.master})


def settings(difference: Difference) -> Iterator[Statement]:
    """Reset settings that are not declared, then set the missing ones."""
    desired = {(fact.role, fact.database, fact.name) for fact in sorted_facts(difference.missing, RoleSetting)}
    for fact in sorted_facts(difference.surplus, RoleSetting):
        if (fact.role, fact.database, fact.name) not in desired:
            yield Statement(
                f"ALTER ROLE {identifier(fact.role)}{_in_database(fact)} RESET {setting_name(fact.name)}",
                f"role {fact.role} has the setting {fact.name}, which is not declared",
                is_destructive=True,
            )
    for fact in sorted_facts(difference.missing, RoleSetting):
        values = ", ".join(literal(value) for value in fact.value)
        yield Statement(
            f"ALTER ROLE {identifier(fact.role)}{_in_database(fact)} SET {setting_name(fact.name)} TO {values}",
            f"sessions of {fact.role} are declared to start with {fact.name}",
        )


def _in_database(fact: RoleSetting) -> str:
    return f" IN DATABASE {identifier(fact.database)}" if fact.database is not None else ""
