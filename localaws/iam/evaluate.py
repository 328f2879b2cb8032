"""IAM policy evaluation. Pure: statements and a request in, a decision out.

Implemented: an explicit Deny wins, then a matching Allow, else an implicit deny; Action and Resource with ``*`` and
``?``, NotAction, NotResource, Principal of a service, and the condition operators of ``OPERATORS``, each also with
``IfExists``, ``ForAllValues:`` and ``ForAnyValue:``.

A condition that is not implemented (another operator, a ``${policy variable}``) never helps the caller: its Allow does
not match, its Deny does. Resource policies, service control policies and session policies are not evaluated.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

Statement = dict[str, Any]
_Test = Callable[[list[str], str | None], bool]


@dataclass(frozen=True)
class Request:
    """A request for a permission.

    Attributes:
        action: as policies write it, ``secretsmanager:GetSecretValue``.
        resource: the ARN it is done to, ``*`` if the action knows none. None if
            unknown: then an Allow of any resource matches, and a Deny only of every resource.
        context: condition keys and their values, as ``{"aws:SourceAccount": "123456789012"}``; of a key with several
            values a tuple.
    """

    action: str
    resource: str | None
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """The decision on a request, with its reason.

    Attributes:
        allowed: whether it is allowed.
        reason: half a sentence for the caller's error message.
        decisive: the only statement without which the decision would be different, if there is one.
    """

    allowed: bool
    reason: str
    decisive: Statement | None = None


def decide(statements: Iterable[Statement], request: Request) -> Decision:
    """Decide a request by the statements of its caller's identity policies."""
    matching = [statement for statement in statements if _matches(statement, request)]
    denying = [statement for statement in matching if _denies(statement)]
    allowing = [statement for statement in matching if not _denies(statement)]
    if denying:
        decisive = denying[0] if allowing and len(denying) == 1 else None
        return Decision(allowed=False, reason=f"with an explicit deny{_name(denying[0])}", decisive=decisive)
    if not allowing:
        return Decision(allowed=False, reason=f"because no identity-based policy allows the {request.action} action")
    decisive = allowing[0] if len(allowing) == 1 else None
    return Decision(allowed=True, reason=f"allowed{_name(allowing[0])}", decisive=decisive)


def decide_for_service(statements: Iterable[Statement], service: str, request: Request) -> Decision:
    """Decide a request of an AWS service, such as ``lambda.amazonaws.com``, by the policy of a resource.

    For a role's trust policy the action is ``sts:AssumeRole`` and the resource ``*``; its statements name none.
    """
    return decide([one for one in statements if service in _listed(_principals(one).get("Service"))], request)


def decide_for_principals(statements: Iterable[Statement], principals: set[str], request: Request) -> Decision:
    """Decide a request of any of some AWS principals by the policy of a resource."""
    named = [
        one
        for one in statements
        if one.get("Principal") == "*" or principals & set(_listed(_principals(one).get("AWS")))
    ]
    return decide(named, request)


def statements_of(document: Mapping[str, Any]) -> list[Statement]:
    """Return the statements of a policy document; AWS accepts a single one without a list."""
    statements = document.get("Statement", [])
    return [statements] if isinstance(statements, dict) else list(statements)


def _denies(statement: Statement) -> bool:
    return statement.get("Effect") == "Deny"


def _matches(statement: Statement, request: Request) -> bool:
    return _concerns(statement, request) and _conditions_hold(
        statement, request.context, when_unknown=_denies(statement)
    )


def _concerns(statement: Statement, request: Request) -> bool:
    if "Action" in statement:
        action_matches = _any_matches(statement["Action"], request.action, re.IGNORECASE)
    else:
        action_matches = not _any_matches(statement.get("NotAction", "*"), request.action, re.IGNORECASE)
    if not action_matches:
        return False
    if request.resource is None:
        return "*" in _listed(statement.get("Resource")) or not _denies(statement)
    if "Resource" in statement:
        return _any_matches(statement["Resource"], request.resource)
    # A trust policy has neither of them.
    return not _any_matches(statement.get("NotResource"), request.resource)


def _conditions_hold(statement: Statement, context: Mapping[str, str | tuple[str, ...]], *, when_unknown: bool) -> bool:
    values = {key.lower(): value for key, value in context.items()}
    for operator, tests in statement.get("Condition", {}).items():
        quantifier, _, name = operator.removesuffix("IfExists").rpartition(":")
        for key, expected in tests.items():
            if name not in OPERATORS or any("${" in text for text in _listed(expected)):
                if not when_unknown:
                    return False
                continue
            found = values.get(key.lower())
            if found is None and operator.endswith("IfExists"):
                continue
            if not _holds(quantifier, OPERATORS[name], _listed(expected), found):
                return False
    return True


def _holds(quantifier: str, test: _Test, expected: list[str], found: str | tuple[str, ...] | None) -> bool:
    """Return True if the values of a key pass a test: all or any of them, or its only one."""
    values = (found,) if isinstance(found, str) else found or ()
    if quantifier == "ForAllValues":  # also of a key that is absent
        return all(test(expected, value) for value in values)
    if quantifier == "ForAnyValue":
        return any(test(expected, value) for value in values)
    return test(expected, values[0] if len(values) == 1 else None)


def _equals(expected: list[str], found: str | None) -> bool:
    return found in expected


def _like(expected: list[str], found: str | None) -> bool:
    return found is not None and _any_matches(expected, found)


def _bool(expected: list[str], found: str | None) -> bool:
    return found is not None and found.lower() in [value.lower() for value in expected]


def _null(expected: list[str], found: str | None) -> bool:
    return str(found is None).lower() in [value.lower() for value in expected]


def _not(test: _Test) -> _Test:
    """Return the negated operator; like AWS's, it holds when the key is absent."""
    return lambda expected, found: not test(expected, found)


OPERATORS: dict[str, _Test] = {
    "StringEquals": _equals,
    "StringNotEquals": _not(_equals),
    "StringLike": _like,
    "StringNotLike": _not(_like),
    # To IAM the two are the same: both know wildcards.
    "ArnEquals": _like,
    "ArnLike": _like,
    "ArnNotEquals": _not(_like),
    "ArnNotLike": _not(_like),
    "Bool": _bool,
    "Null": _null,
}


def _any_matches(patterns: str | list[str] | None, text: str, flags: int = 0) -> bool:
    alternatives = (patterns,) if isinstance(patterns, str) else tuple(patterns or ())
    return _pattern(alternatives, flags).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _pattern(patterns: tuple[str, ...], flags: int) -> re.Pattern[str]:
    """Compile the alternatives into one expression; without any, none matches."""
    expressions = [re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".") for pattern in patterns]
    return re.compile("|".join(expressions) or "(?!)", re.DOTALL | flags)


def _listed(value: object) -> list[str]:
    if value is None:
        return []
    members = value if isinstance(value, list) else [value]
    # JSON's true and AWS's "true" are the same value of a condition.
    return [str(member).lower() if isinstance(member, bool) else str(member) for member in members]


def _principals(statement: Statement) -> Mapping[str, Any]:
    principal = statement.get("Principal", {})
    return principal if isinstance(principal, dict) else {}


def _name(statement: Statement) -> str:
    return f" by the statement {statement['Sid']}" if statement.get("Sid") else ""
