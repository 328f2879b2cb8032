"""The expressions of GitHub's workflows, as far as this project's workflows use them, by translation into Python.

Text, ``==``, ``!=``, ``&&``, ``||``, ``!`` of one value, parentheses, the contexts by dotted names, and the status
functions. Anything else is an error, so that a workflow that grows past this is noticed.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<function>[a-z]+)\(\)|(?P<name>[A-Za-z_][\w.-]*)|(?P<sign>==|!=|&&|\|\||!|\(|\)))"
)
_INTERPOLATION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_TRANSLATIONS: Mapping[str, Callable[[str], str]] = {
    "text": lambda token: repr(token[1:-1].replace("''", "'")),
    "function": "functions[{!r}]()".format,
    "name": "value({!r})".format,
    "sign": lambda token: {"&&": "and", "||": "or", "!": "not"}.get(token, token),
}


def evaluate(expression: str, contexts: Mapping[str, Any]) -> Any:
    """The value of an expression, without the braces around it."""
    python, position = [], 0
    while expression[position:].strip():
        found = _TOKEN.match(expression, position)
        if found is None or found.lastgroup is None:
            raise NotImplementedError(f"{expression!r}: what does {expression[position:]!r} mean?")
        python.append(_TRANSLATIONS[found.lastgroup](found[found.lastgroup]))
        position = found.end()

    def value(name: str) -> Any:
        found: Any = contexts
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found if isinstance(found, bool) else as_text(found)

    names = {"functions": contexts.get("functions"), "value": value}
    return eval(" ".join(python), {"__builtins__": {}}, names)


def interpolate(text: object, contexts: Mapping[str, Any]) -> str:
    """A value of a workflow, with each ``${{ }}`` replaced by its value."""
    return _INTERPOLATION.sub(lambda found: as_text(evaluate(found[1], contexts)), as_text(text))


def holds(condition: str | None, contexts: Mapping[str, Any], *, succeeded: bool) -> bool:
    """Return True if an ``if`` lets a step or job run; without a status function, only after success."""
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
    """Return how GitHub writes a value into a text."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
