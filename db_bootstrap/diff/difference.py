"""What becomes of access that a document does not declare, if it says to report it: it is left, and told.

Pure. What is wished and what is found are brought together so far that their difference takes nothing away but what
the document says otherwise: an owner, a login, a limit, a setting's value, a comment.
"""

from dataclasses import replace

from db_bootstrap import desired as declared
from db_bootstrap.diff.statement import Difference, of
from db_bootstrap.document import AccessDocument, Unlisted
from db_bootstrap.model import (
    Attribute,
    DefaultPrivilege,
    Fact,
    Membership,
    Privilege,
    RoleAttribute,
    RoleComment,
    RoleExists,
    RoleSetting,
)


def difference(document: AccessDocument, wanted: frozenset[Fact], found: frozenset[Fact]) -> Difference:
    """What has to be given and what has to be taken away, to carry out what the document says."""
    if document.unlisted is Unlisted.REPORT:
        wanted, found = _brought_together(document, wanted, found)
    return Difference(wanted - found, found - wanted)


def left(document: AccessDocument, wanted: frozenset[Fact], found: frozenset[Fact]) -> frozenset[Fact]:
    """What was found, is not declared, and stays."""
    if document.unlisted is not Unlisted.REPORT:
        return frozenset()
    kept = (found - wanted) - difference(document, wanted, found).surplus
    return frozenset(fact for fact in kept if not isinstance(fact, RoleComment))


def _brought_together(
    document: AccessDocument, wanted: frozenset[Fact], found: frozenset[Fact]
) -> tuple[frozenset[Fact], frozenset[Fact]]:
    wishes, there = set(wanted), set(found)
    for fact in found - wanted:
        match fact:
            case Privilege() | DefaultPrivilege():
                there.discard(fact)
                # Who may pass a privilege on has it.
                if replace(fact, is_grantable=False) in wanted:
                    there.add(replace(fact, is_grantable=False))
            case RoleAttribute() if not _is_declared(document, fact):
                wishes -= {wish for wish in wanted if _is_same_attribute(wish, fact)}
                there.discard(fact)
    _settings(wishes, there)
    _memberships(wishes, there)
    _comments(document, wishes, there)
    return frozenset(wishes), frozenset(there)


def _is_declared(document: AccessDocument, fact: RoleAttribute) -> bool:
    """Whether the document says something about this attribute, instead of nothing but that there is a role."""
    if fact.attribute is Attribute.CONNECTION_LIMIT:
        return any(fact.role in declared.login_roles(*item) for item in document.logins.items())
    return fact.attribute is Attribute.LOGIN


def _is_same_attribute(wish: Fact, fact: RoleAttribute) -> bool:
    return isinstance(wish, RoleAttribute) and (wish.role, wish.attribute) == (fact.role, fact.attribute)


def _settings(wishes: set[Fact], there: set[Fact]) -> None:
    said = {(wish.role, wish.database, wish.name) for wish in of(wishes, RoleSetting)}
    there -= {fact for fact in of(there, RoleSetting) if (fact.role, fact.database, fact.name) not in said}


def _memberships(wishes: set[Fact], there: set[Fact]) -> None:
    """A membership may bring more than was declared."""
    said = {(wish.role, wish.member): wish for wish in of(wishes, Membership)}
    for fact in of(there, Membership):
        wish = said.get((fact.role, fact.member))
        if wish is None:
            there.discard(fact)
        elif wish != fact:
            wishes.discard(wish)
            wishes.add(replace(fact.joined(wish), grantors=()))


def _comments(document: AccessDocument, wishes: set[Fact], there: set[Fact]) -> None:
    """A role that was there before does not get the mark: somebody else may manage it."""
    stored = {fact.role: fact.text for fact in of(there, RoleComment)}
    existing = {fact.role for fact in of(there, RoleExists)}
    for wish in of(wishes, RoleComment):
        if wish.role in existing and not declared.is_marked(stored.get(wish.role, ""), document.database):
            wishes.discard(wish)
            text = declared.text_of(wish.text, document.database)
            if text is None:
                there -= {fact for fact in of(there, RoleComment) if fact.role == wish.role}
            else:
                wishes.add(RoleComment(wish.role, text))
