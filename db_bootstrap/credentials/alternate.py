"""The repair of the alternate login role: it becomes identical to the one in use.

A rotation does not know the access document, and must not wait for an apply. It copies attributes, comment, settings
and memberships from the login role in use to the other one, with the statements of an apply, so that a rotation does
not change the login's access. In any case the other one gets LOGIN and membership in the role that has the login's
privileges, and leaves rds_iam: RDS accepts only IAM tokens from members of that role. What else the master cannot
copy or revoke becomes a note, because it must not end the rotations of the login.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from db_bootstrap.diff import roles as role_statements
from db_bootstrap.diff.memberships import ActualMemberships
from db_bootstrap.diff.memberships import memberships as memberships_in_scope
from db_bootstrap.diff.scope import Scope
from db_bootstrap.diff.statements import with_temporary_memberships
from db_bootstrap.document.model import IAM_ROLE, AccessDocument
from db_bootstrap.errors import StatementError, UnfitLoginError
from db_bootstrap.inspect.roles import read_joined_memberships, read_memberships, read_role_facts, read_server
from db_bootstrap.inspect.session import Session, catalog_reader
from db_bootstrap.model import (
    DEFAULT_ATTRIBUTES,
    Attribute,
    Difference,
    Fact,
    Membership,
    RoleAttribute,
    RoleComment,
    RoleExists,
    RoleSetting,
    Server,
    Statement,
)
from db_bootstrap.values import dataclass

_ADVICE = {
    "42501": "\nThe master must administer the login's roles: grant it each WITH ADMIN OPTION, or drop the login role, "
    "which the next attempt creates again."
}


@dataclass(frozen=True)
class Repair:
    """Changes made to a login role.

    Attributes:
        changes: The statements that ran, each with its reason; none contains a secret.
        notes: Sentences on differences that remain, because the master cannot remove them.
    """

    changes: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def repair_login_role(master: Session, login: str, name: str, current: str) -> Repair:
    """Make the login role ``name`` of a login identical to the one in use, ``current``, or create it.

    The caller holds the lock of `apply` and has begun a transaction, which it rolls back after an error. If the login
    role in use is gone, ``name`` is its own model.

    Raises:
        UnfitLoginError: The roles do not exist or are of another kind, or the login role could not log in as the login.
        StatementError: The server refused a statement without which that is so.
    """
    run = catalog_reader(master)
    server = read_server(run)
    actual = set(read_role_facts(run, [login, name, current]))
    if RoleAttribute(login, Attribute.LOGIN, value=False) not in actual:
        raise UnfitLoginError(
            f"There is no role {login!r} without LOGIN, which the login roles {name!r} and {current!r} must be members "
            "of. Apply the access document, which creates it."
        )
    model = next((role for role in (current, name) if RoleExists(role) in actual), None)
    if model is None:
        raise UnfitLoginError(
            f"Both login roles of {login!r} are gone, {name!r} and {current!r}, and with them their settings. "
            "Apply the access document, which creates them again."
        )
    desired = desired_facts({*actual, *read_joined_memberships(run, server, [model])}, model, login, name, server)
    applied: list[Statement] = []
    refused: list[str] = []
    difference, members = _difference(master, name, desired, server)
    needed = tuple(_statements(_part(difference, login, is_needed=True), server))
    for step in with_temporary_memberships(needed, server, members.acts_as | {server.master}):
        _run(master, step)
        applied.append(step)
    if applied:
        difference, members = _difference(master, name, desired, server)
    for step in _statements(_part(difference, login, is_needed=False), server):
        if _may_run(master, with_temporary_memberships((step,), server, members.acts_as | {server.master})):
            applied.append(step)
        else:
            refused.append(f"The master cannot run: {step.sql}")
    if applied:
        difference, members = _difference(master, name, desired, server)
    remaining = _part(difference, login, is_needed=True)
    if remaining or any(fact.role == IAM_ROLE and fact.member == name for fact in members.kept):
        raise UnfitLoginError(
            f"The login role {name!r} could not be repaired; nothing was changed. The master cannot change what "
            f"keeps it from logging in as {login!r}, most likely because only another grantor can revoke a membership: "
            + ", ".join(sorted(map(str, {*remaining.missing, *remaining.surplus, *members.kept})))
        )
    without_effect = [f"{fact} is not as in {current!r}" for fact in difference.surplus if not refused]
    return Repair(
        tuple((step.sql, step.reason) for step in applied), (*refused, *sorted(without_effect), *members.notes)
    )


def desired_facts(facts: Iterable[Fact], model: str, login: str, name: str, server: Server) -> frozenset[Fact]:
    """Return the desired facts about the login role ``name`` if ``model`` is the one in use."""
    needed: dict[object, Fact] = {
        Attribute.LOGIN: RoleAttribute(name, Attribute.LOGIN, value=True),
        login: Membership(login, name),
    }
    if not server.has_membership_options:  # the member's attribute decides
        needed[Attribute.INHERIT] = RoleAttribute(name, Attribute.INHERIT, value=True)
    copied = set[Fact](needed.values())
    for fact in facts:
        match fact:
            case Membership(role, member) if member == model and role not in {login, IAM_ROLE}:
                copied.add(replace(fact, member=name, grantors=()))
            case RoleAttribute(role, attribute, value) if role == model and attribute not in needed:
                copied.add(RoleAttribute(name, attribute, value))
            case RoleExists(role) | RoleComment(role) | RoleSetting(role) if role == model:
                copied.add(replace(fact, role=name))
            case _:
                pass
    return frozenset(copied)


def _difference(
    master: Session, name: str, desired: frozenset[Fact], server: Server
) -> tuple[Difference, ActualMemberships]:
    run = catalog_reader(master)
    scope = Scope(AccessDocument(database=server.database), server, frozenset({name}), {})
    rows = [row for row in read_memberships(run, server, scope.managed_roles) if name in {row.role, row.member}]
    members = memberships_in_scope(rows, scope, (fact for fact in desired if isinstance(fact, Membership)))
    actual: set[Fact] = {*read_role_facts(run, [name]), *(fact for fact in members.facts if fact.member == name)}
    if RoleExists(name) not in actual:
        actual |= {RoleAttribute(name, attribute, value) for attribute, value in DEFAULT_ATTRIBUTES.items()}
    return Difference(desired - actual, frozenset(actual - desired)), members


def _part(difference: Difference, login: str, *, is_needed: bool) -> Difference:
    """Return the part of the difference without which the login role can log in as the login, or the rest."""

    def is_of_part(fact: Fact) -> bool:
        match fact:
            case Membership(role):
                return (role in {login, IAM_ROLE}) is is_needed
            case RoleAttribute(_, attribute):
                return (attribute in {Attribute.LOGIN, Attribute.INHERIT}) is is_needed
            case _:
                return isinstance(fact, RoleExists) is is_needed

    missing, surplus = (frozenset(filter(is_of_part, facts)) for facts in (difference.missing, difference.surplus))
    return Difference(missing, surplus)


def _statements(difference: Difference, server: Server) -> Iterator[Statement]:
    yield from role_statements.new_roles(difference, difference.missing)
    yield from role_statements.attributes(difference)
    yield from role_statements.comments(difference)
    yield from role_statements.memberships(difference, server)
    yield from role_statements.settings(difference)


def _may_run(master: Session, steps: Iterable[Statement]) -> bool:
    """Run the statements, or none of them if the master cannot."""
    master.run("SAVEPOINT optional")
    try:
        for step in steps:
            _run(master, step)
    except StatementError as error:
        if error.sqlstate != "42501":
            raise
        master.run("ROLLBACK TO SAVEPOINT optional")
        return False
    return True


def _run(master: Session, step: Statement) -> None:
    master.run(step.sql, failure=f"PostgreSQL refused a statement; nothing was changed.\n{step.sql}", advice=_ADVICE)
