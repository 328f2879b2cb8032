"""The values of an access document, from parsed JSON or YAML.

Strict: a number is not text, an unknown key is refused, and ``null`` means "not given". The types in `model` alone
decide what is valid.
"""

import difflib
import functools
import re
import types
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, get_args, get_origin, get_type_hints

from db_bootstrap.document.model import LIST_SETTINGS, MOMENT_PATTERN, NEVER, AccessDocument, SettingValues
from db_bootstrap.errors import AccessDocumentError
from db_bootstrap.sql import is_setting_name, is_text, split_names


class _ValueError(ValueError):
    """A value is not of the expected type; the message is for the author of the document."""


def structured(raw: object) -> AccessDocument:
    """Return the document in ``raw``, which can still contradict itself.

    Raises:
        AccessDocumentError: A value is not of the expected type.
    """
    problems: list[str] = []
    document: AccessDocument = _read(AccessDocument, raw, "document", problems)
    if problems:
        raise AccessDocumentError(tuple(problems))
    return document


def without_none(hint: Any) -> Any:
    """Return a type hint without its None."""
    if isinstance(hint, types.UnionType):
        (hint,) = (choice for choice in get_args(hint) if choice is not types.NoneType)
    return hint


def is_required(field: Field[Any]) -> bool:
    """Return True if the field has no default."""
    return field.default is MISSING and field.default_factory is MISSING


def _read(hint: Any, value: object, path: str, problems: list[str]) -> Any:
    """Convert ``value`` to the type of ``hint``, and add what is wrong with it to ``problems``."""
    kind = without_none(hint)
    try:
        if is_dataclass(kind):
            return _attributes(kind, value, path, problems)
        if get_origin(kind) is not None:
            return _collection(kind, value, path, problems)
        return _choice(value, kind) if issubclass(kind, StrEnum) else _SCALARS[kind](value)
    except _ValueError as error:
        problems.append(f"{path}: {error}")
        return None


def _collection(kind: Any, value: object, path: str, problems: list[str]) -> Any:
    if kind == SettingValues:
        return _settings(value, path, problems)
    if kind == tuple[str, ...]:
        return _names(value)
    if get_origin(kind) is dict:
        return _dict(kind, value, path, problems)
    item_kind, _ = get_args(kind)
    return tuple(_read(item_kind, item, f"{path}[{index}]", problems) for index, item in enumerate(_list(value)))


def _attributes(kind: Any, value: object, path: str, problems: list[str]) -> Any:
    # Terraform's optional attributes, and empty values in YAML, are null when they are not given.
    given = {key: item for key, item in _mapping({} if value is None else value).items() if item is not None}
    hints = _hints(kind)
    values: dict[str, Any] = {}
    for field in fields(kind):
        here = f"{path}.{field.name}"
        if field.name in given:
            values[field.name] = _read(hints[field.name], given[field.name], here, problems)
        elif is_required(field):
            problems.append(f"{here}: this key is missing; add it.")
    problems += _unknown_keys(path, given, sorted(hints))
    return None if problems else kind(**values)


# A document consists mostly of logins, and reading the hints of their type takes as long as reading one of them.
_hints = functools.cache(get_type_hints)


def _unknown_keys(path: str, given: Mapping[str, Any], known: list[str]) -> Iterator[str]:
    for key in sorted(str(key) for key in given.keys() - set(known)):
        close = difflib.get_close_matches(key, known, n=1)
        remedy = f"did you mean {close[0]!r}?" if close else "remove it."
        step = f".{key}" if key.isidentifier() else f"[{key!r}]"
        yield f"{path}{step}: there is no such key here, only {', '.join(known)}; {remedy}"


def _dict(kind: Any, value: object, path: str, problems: list[str]) -> dict[str, Any]:
    key_kind, item_kind = get_args(kind)
    values: dict[str, Any] = {}
    for key, item in _mapping(value).items():
        here = f"{path}[{key!r}]"
        values[_read(key_kind, key, here, problems)] = _read(item_kind, item, here, problems)
    return values


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _ValueError(f"expected keys and values, found {_describe(value)}.")
    return value


def _list(value: object) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _ValueError(f"expected a list, found {_describe(value)}.")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _ValueError(f"expected text, found {_describe(value)}; put it in quotes.")
    return _storable(value)


def _storable(text: str) -> str:
    if not is_text(text):
        raise _ValueError(
            f"{_describe(text)} has a NUL character or half of a surrogate pair, "
            f"which PostgreSQL cannot store; remove it."
        )
    return text


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _ValueError(f"expected a whole number, found {_describe(value)}.")
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise _ValueError(f"expected true or false, found {_describe(value)}.")
    return value


def _moment(value: object) -> datetime:
    """Return a moment in UTC; a date is its first. YAML has read dates and times already."""
    text = value.isoformat() if isinstance(value, date) else value
    if text == "infinity":
        return NEVER
    if isinstance(text, str) and re.fullmatch(MOMENT_PATTERN, text):
        with suppress(ValueError, OverflowError):
            moment = datetime.fromisoformat(text)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    raise _ValueError(f"expected a date, a time with its zone, or infinity; found {_describe(value)}.")


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise _ValueError(f"expected a list of names, found {_describe(value)}.")
    return tuple(_storable(name) for name in value)


def _choice(value: object, kind: type[StrEnum]) -> StrEnum:
    if not isinstance(value, str) or value not in list(kind):
        raise _ValueError(f"expected one of {', '.join(kind)}; found {_describe(value)}.")
    return kind(value)


def _settings(value: object, path: str, problems: list[str]) -> SettingValues:
    given: SettingValues = {}
    for name, item in _mapping(value).items():
        try:
            folded = _setting_name(name, given)
            if item is not None:
                given[folded] = _setting_value(folded, item)
        except _ValueError as error:
            problems.append(f"{path}[{name!r}]: {error}")
    return given


def _setting_name(name: object, names: Container[str]) -> str:
    if not isinstance(name, str) or not is_setting_name(name):
        raise _ValueError("this is not a valid name of a setting; write it as PostgreSQL does.")
    folded = name.lower()
    if folded in names:
        raise _ValueError(f"PostgreSQL ignores case here, so {folded} is set twice; remove one of the two.")
    return folded


def _setting_value(name: str, value: object) -> tuple[str, ...]:
    is_list = name in LIST_SETTINGS
    if is_list and isinstance(value, list | tuple):
        return _names(value) or ("",)
    if isinstance(value, bool):
        return ("on" if value else "off",)
    if isinstance(value, str | int | float):
        text = _storable(str(value))
        try:
            return (split_names(text) or ("",)) if is_list else (text,)
        except ValueError as error:
            raise _ValueError(f"{error} Write it as a list.") from None
    expected = "a list of names" if is_list else "text, a number or a boolean"
    raise _ValueError(f"expected {expected}, found {_describe(value)}.")


_SCALARS: dict[type, Callable[[object], Any]] = {str: _text, int: _integer, bool: _boolean, datetime: _moment}


def _describe(value: object) -> str:
    """Describe ``value`` for the author of the document, shortened. It is not a secret: a document contains none."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "keys and values"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value)
    shown = 60
    return text if len(text) <= shown else text[:shown] + "..."
