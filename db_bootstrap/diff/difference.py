"""The difference between the desired facts and the actual ones, with respect to ``unlisted``.

With ``unlisted: report``, access that is not declared stays. Both sets of facts are adjusted so that their difference
takes nothing away except what contradicts the document: an owner, a login, a limit, the value of a setting, a comment.
"""

import re
from collections import defaultdict
from dataclasses import replace

from db_bootstrap.desired import DECLARED_ATTRIBUTES, is_marked, text_of
from db_bootstrap.document.model import IAM_ROLE, AccessDocument, Unlisted
from db_bootstrap.model import (
    DEFAULT_ATTRIBUTES,
    DefaultGroup,
    DefaultPrivileges,
    Difference,
    Fact,
    Granted,
    Membership,
    ObjectKind,
    Privilege,
    RoleAttribute,
    RoleComment,
    RoleExists,
    RoleSetting,
    joined_defaults,
    sorted_facts,
)


def compare(document: AccessDocument, desired: frozenset[Fact], actual: frozenset[Fact]) -> Difference:
    """Return the facts to establish and those to remove, and what stays although it is not declared."""
    missing, undeclared = _without_common_defaults(document, desired - actual, actual - desired)
    kept = _undeclared_limits(desired, undeclared)
    surplus = undeclared - kept
    if document.unlisted is Unlisted.REPORT:
        common = desired & actual
        desired, actual = _without_unlisted(document, common | missing, common | surplus)
        missing, surplus = desired - actual, actual - desired
        kept = undeclared - surplus
    notable = (fact for fact in kept if not isinstance(fact, RoleComment) and not _is_default(fact))
    return Difference(missing, surplus, frozenset(notable))


def _without_common_defaults(
    document: AccessDocument, missing: frozenset[Fact], surplus: frozenset[Fact]
) -> tuple[frozenset[Fact], frozenset[Fact]]:
    """Leave out the default privileges on both sides, which may group the creators differently."""
    defaults = [{fact for fact in facts if isinstance(fact, DefaultPrivileges)} for facts in (missing, surplus)]
    common = {fact[1:3] for fact in defaults[0]} & {fact[1:3] for fact in defaults[1]}
    places = defaultdict[tuple[str, str | None, ObjectKind], tuple[set[Granted], set[Granted]]](lambda: (set(), set()))
    for side, facts in enumerate(defaults):
        facts -= {fact for fact in facts if fact[1:3] not in common}
        for creators, schema, kind, grants in facts:
            for creator in creators:
                places[creator, schema, kind][side].update(grants)
    only_desired: list[DefaultGroup] = []
    only_actual: list[DefaultGroup] = []
    for (creator, schema, kind), (declared, held) in places.items():
        covered = held if document.unlisted is Unlisted.REVOKE else {(*grant[:2], False) for grant in held}
        only_desired.append(([creator], schema, kind, declared - covered))
        only_actual.append(([creator], schema, kind, held - declared))
    return missing - defaults[0] | joined_defaults(only_desired), surplus - defaults[1] | joined_defaults(only_actual)


_LIMITS = frozenset(
    {"idle_in_transaction_session_timeout", "idle_session_timeout", "lock_timeout", "statement_timeout"}
    | {"temp_file_limit", "transaction_timeout"}
)
_NO_LIMIT = re.compile("-.*|[^1-9]*")
_YES = re.compile("t|tr|tru|true|y|ye|yes|on|1", re.IGNORECASE)  # as PostgreSQL reads a boolean


def _undeclared_limits(desired: frozenset[Fact], surplus: frozenset[Fact]) -> frozenset[Fact]:
    """Return what the document leaves as it is: resetting that would give more than the document says."""
    limits = [
        fact
        for fact in surplus
        if isinstance(fact, RoleAttribute) or (isinstance(fact, RoleSetting) and _narrows(fact.name, fact.value[0]))
    ]
    kinds = RoleAttribute | RoleSetting
    declared = {_key(fact) for fact in desired if isinstance(fact, kinds)} if limits else ()
    return frozenset(fact for fact in limits if _key(fact) not in declared)


def _key(fact: RoleAttribute | RoleSetting) -> tuple[str, str]:
    return fact.role, fact.attribute if isinstance(fact, RoleAttribute) else fact.name


def _narrows(setting: str, value: str) -> bool:
    """Return True if sessions could do more without the setting, or if that cannot be known.

    Row policies can read settings with a dot, and extensions such as pgaudit obey them.
    """
    if setting == "default_transaction_read_only":
        return _YES.fullmatch(value) is not None
    if setting == "row_security":
        return _YES.fullmatch(value) is None
    is_limit = setting in _LIMITS and _NO_LIMIT.fullmatch(value) is None
    return is_limit or setting == "restrict_nonsystem_relation_kind" or "." in setting


def _is_default(fact: Fact) -> bool:
    return isinstance(fact, RoleAttribute) and fact.value == DEFAULT_ATTRIBUTES[fact.attribute]


def _without_unlisted(
    document: AccessDocument, desired: frozenset[Fact], actual: frozenset[Fact]
) -> tuple[frozenset[Fact], frozenset[Fact]]:
    adjusted_desired, adjusted_actual = set(desired), set(actual)
    for fact in actual - desired:
        match fact:
            # A privilege with the grant option includes the privilege without it.
            case Privilege():
                adjusted_actual.discard(fact)
                adjusted_actual |= {fact._replace(is_grantable=False)} & desired
            case DefaultPrivileges():
                adjusted_actual.discard(fact)
            case RoleAttribute() if fact.attribute not in DECLARED_ATTRIBUTES:
                adjusted_desired.discard(fact._replace(value=DEFAULT_ATTRIBUTES[fact.attribute]))
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
    rotated = document.rotated_roles
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
