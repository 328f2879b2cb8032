"""The difference between the desired facts and the actual ones, with respect to ``unlisted``.

With ``unlisted: report``, access that is not declared stays. Both sets of facts are adjusted so that their difference
takes nothing away except what contradicts the document: an owner, a login, a limit, the value of a setting, a comment.
"""

from dataclasses import replace

from db_bootstrap.desired import is_marked, login_roles, text_of
from db_bootstrap.document import AccessDocument, Unlisted
from db_bootstrap.model import (
    Attribute,
    DefaultPrivilege,
    Difference,
    Fact,
    Membership,
    Privilege,
    RoleAttribute,
    RoleComment,
    RoleExists,
    RoleSetting,
    sorted_facts,
)


def compare(document: AccessDocument, desired: frozenset[Fact], actual: frozenset[Fact]) -> Difference:
    """Return the facts to establish and those to remove."""
    if document.unlisted is Unlisted.REPORT:
        desired, actual = _without_unlisted(document, desired, actual)
    return Difference(desired - actual, actual - desired)


def unlisted_facts(document: AccessDocument, desired: frozenset[Fact], actual: frozenset[Fact]) -> frozenset[Fact]:
    """Return the actual facts that are not declared, and stay because the document says so."""
    if document.unlisted is not Unlisted.REPORT:
        return frozenset()
    kept = (actual - desired) - compare(document, desired, actual).surplus
    return frozenset(fact for fact in kept if not isinstance(fact, RoleComment))


def _without_unlisted(
    document: AccessDocument, desired: frozenset[Fact], actual: frozenset[Fact]
) -> tuple[frozenset[Fact], frozenset[Fact]]:
    adjusted_desired, adjusted_actual = set(desired), set(actual)
    for fact in actual - desired:
        match fact:
            case Privilege() | DefaultPrivilege():
                adjusted_actual.discard(fact)
                # A privilege with the grant option includes the privilege without it.
                if replace(fact, is_grantable=False) in desired:
                    adjusted_actual.add(replace(fact, is_grantable=False))
            case RoleAttribute() if not _is_declared(document, fact):
                adjusted_desired -= {other for other in desired if _is_same_attribute(other, fact)}
                adjusted_actual.discard(fact)
    _adjust_settings(adjusted_desired, adjusted_actual)
    _adjust_memberships(adjusted_desired, adjusted_actual)
    _adjust_comments(document, adjusted_desired, adjusted_actual)
    return frozenset(adjusted_desired), frozenset(adjusted_actual)


def _is_declared(document: AccessDocument, fact: RoleAttribute) -> bool:
    """Return True if the document itself gives the attribute, and not only the existence of the role."""
    if fact.attribute is Attribute.CONNECTION_LIMIT:
        return any(fact.role in login_roles(*item) for item in document.logins.items())
    return fact.attribute is Attribute.LOGIN


def _is_same_attribute(other: Fact, fact: RoleAttribute) -> bool:
    return isinstance(other, RoleAttribute) and (other.role, other.attribute) == (fact.role, fact.attribute)


def _adjust_settings(desired: set[Fact], actual: set[Fact]) -> None:
    declared = {(fact.role, fact.database, fact.name) for fact in sorted_facts(desired, RoleSetting)}
    actual -= {
        fact for fact in sorted_facts(actual, RoleSetting) if (fact.role, fact.database, fact.name) not in declared
    }


def _adjust_memberships(desired: set[Fact], actual: set[Fact]) -> None:
    """Keep the options that a membership has beyond the declared ones."""
    declared = {(fact.role, fact.member): fact for fact in sorted_facts(desired, Membership)}
    for fact in sorted_facts(actual, Membership):
        declared_fact = declared.get((fact.role, fact.member))
        if declared_fact is None:
            actual.discard(fact)
        elif declared_fact != fact:
            desired.discard(declared_fact)
            desired.add(replace(fact.joined(declared_fact), grantors=()))


def _adjust_comments(document: AccessDocument, desired: set[Fact], actual: set[Fact]) -> None:
    """Put no mark on roles that existed before, because something else may manage them."""
    stored = {fact.role: fact.text for fact in sorted_facts(actual, RoleComment)}
    existing = {fact.role for fact in sorted_facts(actual, RoleExists)}
    for fact in sorted_facts(desired, RoleComment):
        if fact.role in existing and not is_marked(stored.get(fact.role, ""), document.database):
            desired.discard(fact)
            text = text_of(fact.text, document.database)
            if text is None:
                actual -= {other for other in sorted_facts(actual, RoleComment) if other.role == fact.role}
            else:
                desired.add(RoleComment(fact.role, text))
