"""What cattrs found wrong with a document, in words for the person who wrote it."""

import difflib
from collections.abc import Iterator

import attrs
from cattrs import AttributeValidationNote, ClassValidationError, ForbiddenExtraKeysError, IterableValidationError


class DocumentValueError(ValueError):
    """One value of a document is not what should stand there; the message is for its writer."""


def problems(error: Exception, path: str = "document") -> Iterator[str]:
    """Every problem that cattrs collected, as ``path: what is wrong; what to do``."""
    if isinstance(error, ClassValidationError | IterableValidationError):
        located, of_the_whole = error.group_exceptions()
        for inner, note in located:
            step = f".{note.name}" if isinstance(note, AttributeValidationNote) else f"[{note.index!r}]"
            yield from problems(inner, path + step)
        for inner in of_the_whole:
            yield from problems(inner, path)
    elif isinstance(error, ForbiddenExtraKeysError):
        known = sorted(field.name for field in attrs.fields(error.cl))
        for key in sorted(str(key) for key in error.extra_fields):
            step = f".{key}" if key.isidentifier() else f"[{key!r}]"
            yield f"{path}{step}: {_unknown_key(key, known)}"
    elif isinstance(error, KeyError):
        yield f"{path}: this key is missing; add it."
    elif isinstance(error, DocumentValueError):
        yield f"{path}: {error}"
    else:
        yield f"{path}: {type(error).__name__}: {error}"


def described(value: object) -> str:
    """``value`` as a document's writer would call it, cut short; never a secret, a document holds none."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value)
    shown = 60
    return text if len(text) <= shown else text[:shown] + "..."


def _unknown_key(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    remedy = f"did you mean {close[0]!r}?" if close else "remove it."
    return f"there is no such key here, only {', '.join(known)}; {remedy}"
