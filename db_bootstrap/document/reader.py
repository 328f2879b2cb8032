"""The values of an access document, from what JSON or YAML made of it.

Pure and strict: text is text and no number, an unknown key is refused, and ``null`` means "not given". What belongs
where is said by the types in `document_types` alone.
"""

import difflib
import functools
import types
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from typing import Any, get_args, get_origin, get_type_hints

from db_bootstrap.document.model import LIST_SETTINGS, AccessDocument, SettingValues
from db_bootstrap.errors import AccessDocumentError
from db_bootstrap.sql import is_setting_name, is_text, split_names


class _ValueError(ValueError):
    """One value is not what should stand there; the message is for the document's writer."""


def structured(raw: object) -> AccessDocument:
    """The document in ``raw``, whose parts may still contradict one another.

    Raises:
        AccessDocumentError: Something is not of the kind that belongs there.
    """
    problems: list[str] = []
    document: AccessDocument = _read(AccessDocument, raw, "document", problems)
    if problems:
        raise AccessDocumentError(tuple(problems))
    return document


def without_none(hint: Any) -> Any:
    """What a type hint says of a value that is given."""
    if isinstance(hint, types.UnionType):
        (hint,) = (choice for choice in get_args(hint) if choice is not types.NoneType)
    return hint


def is_required(field: Field[Any]) -> bool:
    """Whether a document must say it."""
    return field.default is MISSING and field.default_factory is MISSING


def _read(hint: Any, value: object, path: str, problems: list[str]) -> Any:
    """``value`` as ``hint`` wants it; of no use once there are problems, to which it adds what is wrong here."""
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
    # Terraform's optional attributes, and an empty value in YAML, say null for "not given".
    given = {key: item for key, item in _mapping({} if value is None else value).items() if item is not None}
    hints = _hints(kind)
    made: dict[str, Any] = {}
    for field in fields(kind):
        here = f"{path}.{field.name}"
        if field.name in given:
            made[field.name] = _read(hints[field.name], given[field.name], here, problems)
        elif is_required(field):
            problems.append(f"{here}: this key is missing; add it.")
    problems += _unknown_keys(path, given, sorted(hints))
    return None if problems else kind(**made)


# Most of a document are logins, and reading the hints of their type takes as long as reading one of them.
_hints = functools.cache(get_type_hints)


def _unknown_keys(path: str, given: Mapping[str, Any], known: list[str]) -> Iterator[str]:
    for key in sorted(str(key) for key in given.keys() - set(known)):
        close = difflib.get_close_matches(key, known, n=1)
        remedy = f"did you mean {close[0]!r}?" if close else "remove it."
        step = f".{key}" if key.isidentifier() else f"[{key!r}]"
        yield f"{path}{step}: there is no such key here, only {', '.join(known)}; {remedy}"


def _dict(kind: Any, value: object, path: str, problems: list[str]) -> dict[str, Any]:
    key_kind, item_kind = get_args(kind)
    made: dict[str, Any] = {}
    for key, item in _mapping(value).items():
        here = f"{path}[{key!r}]"
        made[_read(key_kind, key, here, problems)] = _read(item_kind, item, here, problems)
    return made


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _ValueError(f"expected keys and values, found {_described(value)}.")
    return value


def _list(value: object) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _ValueError(f"expected a list, found {_described(value)}.")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _ValueError(f"expected text, found {_described(value)}; put it in quotes.")
    return _storable(value)


def _storable(text: str) -> str:
    if not is_text(text):
        raise _ValueError(
            f"{_described(text)} has a NUL character or half of a surrogate pair, "
            f"which PostgreSQL cannot hold; remove it."
        )
    return text


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _ValueError(f"expected a whole number, found {_described(value)}.")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise _ValueError(f"expected true or false, found {_described(value)}.")
    return value


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise _ValueError(f"expected a list of names, found {_described(value)}.")
    return tuple(_storable(name) for name in value)


def _choice(value: object, kind: type[StrEnum]) -> StrEnum:
    if not isinstance(value, str) or value not in list(kind):
        raise _ValueError(f"expected one of {', '.join(kind)}; found {_described(value)}.")
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


def _setting_name(name: object, taken: Container[str]) -> str:
    if not isinstance(name, str) or not is_setting_name(name):
        raise _ValueError("this is no name of a setting; write it as PostgreSQL does.")
    folded = name.lower()
    if folded in taken:
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
    raise _ValueError(f"expected {expected}, found {_described(value)}.")


_SCALARS: dict[type, Callable[[object], Any]] = {str: _text, int: _integer, bool: _truth}


def _described(value: object) -> str:
    """``value`` as a document's writer would call it, cut short; never a secret, a document holds none."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "keys and values"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value)
    shown = 60
    return text if len(text) <= shown else text[:shown] + "..."
