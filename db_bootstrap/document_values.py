"""The values of an access document, from what JSON or YAML made of it.

Pure and strict: text is text and no number, an unknown key is refused, and ``null`` means "not given".
"""

import functools
from collections.abc import Callable, Container, Mapping
from enum import StrEnum
from typing import Any, cast, get_args, get_origin

import attrs
import cattrs
from cattrs import IterableValidationNote
from cattrs.gen import make_dict_structure_fn, mapping_structure_factory, override

from db_bootstrap import document_errors
from db_bootstrap.document_errors import DocumentValueError
from db_bootstrap.document_types import (
    LIST_SETTINGS,
    AccessDocument,
    Credential,
    Everybody,
    Extension,
    Grant,
    GrantKind,
    Login,
    MembershipOptions,
    Preset,
    Retirement,
    Role,
    Schema,
    Unlisted,
)
from db_bootstrap.errors import AccessDocumentError
from db_bootstrap.sql import is_setting_name, is_text, split_names


def structured(raw: object) -> AccessDocument:
    """The document in ``raw``, whose parts may still contradict one another.

    Raises:
        AccessDocumentError: Something is not of the kind that belongs there.
    """
    try:
        return _converter().structure(raw, AccessDocument)
    except cattrs.BaseValidationError as error:
        raise AccessDocumentError(tuple(document_errors.problems(error))) from None
    except DocumentValueError as error:
        raise AccessDocumentError((f"document: {error}",)) from None


@functools.cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=True)
    converter.register_structure_hook(str, _text)
    converter.register_structure_hook(int, _integer)
    converter.register_structure_hook(bool, _truth)
    for choices in (Unlisted, Preset, Credential, GrantKind):
        converter.register_structure_hook(choices, _choice)
    converter.register_structure_hook_func(lambda kind: kind == tuple[str, ...], _names)
    converter.register_structure_hook_func(
        lambda kind: cast("object", get_origin(kind)) is tuple and attrs.has(get_args(kind)[0]), _list(converter)
    )
    converter.register_structure_hook_factory(
        lambda kind: cast("object", get_origin(kind)) is dict,
        lambda kind: _dict(mapping_structure_factory(kind, converter)),
    )
    # The document comes last: cattrs looks its parts' hooks up when it makes the document's own.
    parts = (Grant, MembershipOptions, Everybody, Schema, Extension, Role, Login, Retirement)
    for kind in (*parts, AccessDocument):
        special = {"settings": override(struct_hook=_settings)} if kind is Login else {}
        structure = make_dict_structure_fn(kind, converter, **special)  # type: ignore[arg-type]
        converter.register_structure_hook(kind, _attributes(structure))
    return converter


_Structure = Callable[[Mapping[str, Any], Any], Any]


def _attributes(structure: _Structure) -> Callable[[object, Any], Any]:
    """A hook that takes ``null`` for "not given", as Terraform's optional attributes say it."""

    def hook(value: object, kind: Any) -> Any:
        given = _mapping({} if value is None else value)
        return structure({key: item for key, item in given.items() if item is not None}, kind)

    return hook


def _dict(structure: _Structure) -> Callable[[object, Any], Any]:
    def hook(value: object, kind: Any) -> Any:
        return structure(_mapping(value), kind)

    return hook


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise DocumentValueError(f"expected keys and values, found {document_errors.described(value)}.")
    return value


def _text(value: object, _kind: object) -> str:
    if not isinstance(value, str):
        raise DocumentValueError(f"expected text, found {document_errors.described(value)}; put it in quotes.")
    return _storable(value)


def _storable(text: str) -> str:
    if not is_text(text):
        raise DocumentValueError(
            f"{document_errors.described(text)} has a NUL character or half of a surrogate pair, "
            f"which PostgreSQL cannot hold; remove it."
        )
    return text


def _integer(value: object, _kind: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise DocumentValueError(f"expected a whole number, found {document_errors.described(value)}.")
    return value


def _truth(value: object, _kind: object) -> bool:
    if not isinstance(value, bool):
        raise DocumentValueError(f"expected true or false, found {document_errors.described(value)}.")
    return value


def _names(value: object, _kind: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise DocumentValueError(f"expected a list of names, found {document_errors.described(value)}.")
    return tuple(_storable(name) for name in value)


def _list(converter: cattrs.Converter) -> Callable[[object, Any], tuple[Any, ...]]:
    def hook(value: object, kind: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise DocumentValueError(f"expected a list, found {document_errors.described(value)}.")
        (item_kind, _) = get_args(kind)
        made: list[Any] = []
        refused: list[Exception] = []
        for index, item in enumerate(value):
            try:
                made.append(converter.structure(item, item_kind))
            except (cattrs.BaseValidationError, DocumentValueError) as error:
                error.add_note(IterableValidationNote("", index, item_kind))
                refused.append(error)
        if refused:
            raise cattrs.IterableValidationError("list", refused, tuple)
        return tuple(made)

    return hook


def _choice(value: object, kind: type[StrEnum]) -> StrEnum:
    if not isinstance(value, str) or value not in list(kind):
        raise DocumentValueError(f"expected one of {', '.join(kind)}; found {document_errors.described(value)}.")
    return kind(value)


def _settings(value: object, kind: object) -> dict[str, tuple[str, ...]]:
    given: dict[str, tuple[str, ...]] = {}
    refused: list[Exception] = []
    for name, item in _mapping(value).items():
        try:
            folded = _setting_name(name, given)
            if item is not None:
                given[folded] = _setting_value(folded, item)
        except DocumentValueError as error:
            error.add_note(IterableValidationNote("", name, kind))
            refused.append(error)
    if refused:
        raise cattrs.IterableValidationError("settings", refused, dict)
    return given


def _setting_name(name: object, taken: Container[str]) -> str:
    if not isinstance(name, str) or not is_setting_name(name):
        raise DocumentValueError("this is no name of a setting; write it as PostgreSQL does.")
    folded = name.lower()
    if folded in taken:
        raise DocumentValueError(f"PostgreSQL ignores case here, so {folded} is set twice; remove one of the two.")
    return folded


def _setting_value(name: str, value: object) -> tuple[str, ...]:
    is_list = name in LIST_SETTINGS
    if is_list and isinstance(value, list | tuple):
        return _names(value, list) or ("",)
    if isinstance(value, bool):
        return ("on" if value else "off",)
    if isinstance(value, str | int | float):
        text = _storable(str(value))
        try:
            return (split_names(text) or ("",)) if is_list else (text,)
        except ValueError as error:
            raise DocumentValueError(f"{error} Write it as a list.") from None
    expected = "a list of names" if is_list else "text, a number or a boolean"
    raise DocumentValueError(f"expected {expected}, found {document_errors.described(value)}.")
