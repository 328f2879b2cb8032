"""The difference between the desired facts and the actual ones, with respect to ``unlisted``.

With ``unlisted: report``, access that is not declared stays. Both sets of facts are adjusted so that their difference
takes nothing away except what contradicts the document: an owner, a login, a limit, the value of a setting, a comment.
"""

from dataclasses import replace

from db_bootstrap.desired import DECLARED_ATTRIBUTES, is_marked, text_of
from db_bootstrap.document import IAM_ROLE, AccessDocument, Unlisted
from db_bootstrap.model import (
    DEFAULT_ATTRIBUTES,
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
    missing, surplus = desired - actual, actual - desired
    undeclared = _undeclared_attributes(desired, surplus)
    if document.unlisted is Unlisted.REPORT:
        desired, actual = _without_unlisted(document, desired, actual - undeclared)
        return Difference(desired - actual, actual - desired)
    return Difference(missing, surplus - undeclared)


def unlisted_facts(document: AccessDocument, desired: frozenset[Fact], actual: frozenset[Fact]) -> frozenset[Fact]:
    """Return the actual facts that are not declared and stay: attributes, and all others if the document says so."""
    kept = actual - desired
    if document.unlisted is Unlisted.REPORT:
        kept -= compare(document, desired, actual).surplus
    else:
        kept = _undeclared_attributes(desired, kept)
    return frozenset(fact for fact in kept if not isinstance(fact, RoleComment) and not _is_default(fact))


def _undeclared_attributes(desired: frozenset[Fact], surplus: frozenset[Fact]) -> frozenset[Fact]:
    """Return the attributes that the document leaves as they are: resetting them would give more than it says."""
    attributes = [fact for fact in surplus if isinstance(fact, RoleAttribute)]
    declared = (
        {(fact.role, fact.attribute) for fact in desired if isinstance(fact, RoleAttribute)} if attributes else ()
    )
    return frozenset(fact for fact in attributes if (fact.role, fact.attribute) not in declared)


def _is_default(fact: Fact) -> bool:
    return isinstance(fact, RoleAttribute) and fact.value == DEFAULT_ATTRIBUTES[fact.attribute]


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
            case RoleAttribute() if fact.attribute not in DECLARED_ATTRIBUTES:
                adjusted_desired.discard(replace(fact, value=DEFAULT_ATTRIBUTES[fact.attribute]))
                adjusted_actual.discard(fact)
    _adjust_settings(adjusted_desired, adjusted_actual)
    _adjust_memberships(document, adjusted_desired, adjusted_actual)
    _adjust_comments(document, adjusted_desired, adjusted_actual)
    return frozenset(adjusted_desired), frozenset(adjusted_actual)


def _adjust_settings(desired: set[Fact], actual: set[Fact]) -> None:
    # A setting in one database prevails over the declared one.
    declared = {(fact.role, fact.name) for fact in sorted_facts(desired, RoleSetting)}
    actual -= {fact for fact in sorted_facts(actual, RoleSetting) if (fact.role, fact.name) not in declared}


def _adjust_memberships(document: AccessDocument, desired: set[Fact], actual: set[Fact]) -> None:
    """Keep memberships, and the options that one has beyond the declared ones.

    In RDS's role for tokens, a login with a rotated password could not log in.
    """
    rotated = document.rotated_roles()
    declared = {(fact.role, fact.member): fact for fact in sorted_facts(desired, Membership)}
    for fact in sorted_facts(actual, Membership):
        declared_fact = declared.get((fact.role, fact.member))
        if declared_fact is None:
            if not (fact.role == IAM_ROLE and fact.member in rotated):
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
