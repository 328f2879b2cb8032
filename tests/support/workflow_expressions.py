"""The expressions of GitHub's workflows, as far as this project's workflows use them.

Text, ``==``, ``!=``, ``&&``, ``||``, ``!``, parentheses, the contexts by dotted names, and the status functions.
Whatever else is met is an error, so that a workflow that grows past this is noticed.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<name>[A-Za-z_][\w.-]*)|(?P<sign>==|!=|&&|\|\||!|\(|\)))")
_INTERPOLATION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


def evaluate(expression: str, contexts: Mapping[str, Any]) -> Any:
    """The value of an expression, without the braces around it."""
    tokens = _tokens(expression)
    value = _either(tokens, contexts)
    if tokens:
        raise NotImplementedError(f"{expression!r}: what does {tokens[0]!r} mean?")
    return value


def interpolate(text: object, contexts: Mapping[str, Any]) -> str:
    """A value of a workflow, with each ``${{ }}`` replaced by its value."""
    return _INTERPOLATION.sub(lambda found: as_text(evaluate(found[1], contexts)), as_text(text))


def holds(condition: str | None, contexts: Mapping[str, Any], *, succeeded: bool) -> bool:
    """Whether an ``if`` lets a step or job run; without a status function, only after success."""
    if condition is None:
        return succeeded
    inner = _INTERPOLATION.fullmatch(condition.strip())
    functions: Mapping[str, Callable[[], bool]] = {
        "always": lambda: True,
        "success": lambda: succeeded,
        "failure": lambda: not succeeded,
    }
    expression = inner[1] if inner else condition
    mentions_status = re.search(rf"\b({'|'.join(functions)})\(\)", expression) is not None
    value = bool(evaluate(expression, {**contexts, "functions": functions}))
    return value and (succeeded or mentions_status)


def as_text(value: object) -> str:
    """How GitHub writes a value into a text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _tokens(expression: str) -> list[str]:
    tokens, position = [], 0
    while expression[position:].strip():
        found = _TOKEN.match(expression, position)
        if found is None:
            raise NotImplementedError(f"{expression!r}: what does {expression[position:]!r} mean?")
        tokens.append(found[0].strip())
        position = found.end()
    return tokens


def _either(tokens: list[str], contexts: Mapping[str, Any]) -> Any:
    value = _both(tokens, contexts)
    while tokens[:1] == ["||"]:
        tokens.pop(0)
        other = _both(tokens, contexts)
        value = value or other
    return value


def _both(tokens: list[str], contexts: Mapping[str, Any]) -> Any:
    value = _compared(tokens, contexts)
    while tokens[:1] == ["&&"]:
        tokens.pop(0)
        other = _compared(tokens, contexts)
        value = value and other
    return value


def _compared(tokens: list[str], contexts: Mapping[str, Any]) -> Any:
    value = _single(tokens, contexts)
    while tokens[:1] in (["=="], ["!="]):
        sign = tokens.pop(0)
        is_equal = as_text(value) == as_text(_single(tokens, contexts))
        value = is_equal if sign == "==" else not is_equal
    return value


def _single(tokens: list[str], contexts: Mapping[str, Any]) -> Any:
    token = tokens.pop(0)
    if token == "!":
        return not _single(tokens, contexts)
    if token == "(":
        value = _either(tokens, contexts)
        assert tokens.pop(0) == ")"
        return value
    if token.startswith("'"):
        return token[1:-1].replace("''", "'")
    if tokens[:2] == ["(", ")"]:
        del tokens[:2]
        return contexts["functions"][token]()
    value = contexts
    for name in token.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
