"""The access document's JSON Schema, derived from the types of `document`: for editors, and for programs.

A document that is valid under the schema can still contradict itself; `document.parse_document` decides. The schema is
printed by ``python -m db_bootstrap.cli.json_schema``.
"""

import inspect
import json
import re
import sys
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, get_args, get_origin, get_type_hints

from db_bootstrap.document.model import (
    LIST_SETTINGS,
    MAXIMUM_CONNECTION_LIMIT,
    MOMENT_PATTERN,
    PRIVILEGES,
    AccessDocument,
)
from db_bootstrap.document.reader import is_required, without_none
from db_bootstrap.sql import MAXIMUM_NAME_BYTES, SETTING_NAME_PATTERN

_Schema = dict[str, Any]

# PostgreSQL counts bytes, and JSON Schema characters: names with more characters are too long in any case.
_NAME: _Schema = {"type": "string", "minLength": 1, "maxLength": MAXIMUM_NAME_BYTES}
_SETTING_VALUE: _Schema = {"type": ["string", "number", "boolean", "null"]}
_LIST_SETTING_VALUE: _Schema = {"type": ["string", "number", "boolean", "null", "array"], "items": {"type": "string"}}
_SETTINGS: _Schema = {
    "type": ["object", "null"],
    "propertyNames": {"pattern": f"^{SETTING_NAME_PATTERN}$"},
    "properties": dict.fromkeys(sorted(LIST_SETTINGS), _LIST_SETTING_VALUE),
    "additionalProperties": _SETTING_VALUE,
}
_SCALARS: dict[Any, _Schema] = {
    str: _NAME,
    bool: {"type": "boolean"},
    datetime: {"type": "string", "pattern": f"^(infinity|{MOMENT_PATTERN})$"},
}
_COMMENT: _Schema = {"type": ["string", "null"], "minLength": 1}
_PRIVILEGES: _Schema = {
    "type": "array",
    "items": {"type": "string", "enum": sorted({privilege for names in PRIVILEGES.values() for privilege in names})},
    "minItems": 1,
}
# A routine is named with the types of its arguments, so this can be longer than a name.
_OBJECTS: _Schema = {"type": ["array", "null"], "items": {"type": "string", "minLength": 1}, "minItems": 1}
_CONNECTION_LIMIT: _Schema = {"type": ["integer", "null"], "minimum": -1, "maximum": MAXIMUM_CONNECTION_LIMIT}

# Keys whose rules are stricter than their types.
_SPECIAL: dict[str, _Schema] = {
    "settings": _SETTINGS,
    "connection_limit": _CONNECTION_LIMIT,
    "comment": _COMMENT,
    "privileges": _PRIVILEGES,
    "names": _OBJECTS,
}


def document_schema() -> _Schema:
    """Return the schema, in draft 2020-12 of JSON Schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The access document of db_bootstrap",
        **_object(AccessDocument),
    }


def as_text(schema: _Schema) -> str:
    """Return a schema as the text of its file."""
    return json.dumps(schema, indent=2) + "\n"


def _object(kind: Any) -> _Schema:
    hints = get_type_hints(kind)
    descriptions = _descriptions(kind)
    required = [field.name for field in fields(kind) if is_required(field)]
    schema: _Schema = {
        "description": _summary(kind),
        # Optional attributes of Terraform, and empty values in YAML, are null.
        "type": "object" if required else ["object", "null"],
        "properties": {
            field.name: {
                "description": descriptions[field.name],
                **(_SPECIAL.get(field.name) or _value(hints[field.name], is_optional=field.name not in required)),
                **_default(field),
            }
            for field in fields(kind)
        },
        "additionalProperties": False,
    }
    return {**schema, "required": required} if required else schema


def _default(field: Field[Any]) -> _Schema:
    """Return the default, if there is one that JSON can express and that is not null."""
    default = field.default if field.default_factory is MISSING else field.default_factory()
    is_plain = isinstance(default, tuple | dict | str | bool | int)
    return {"default": list(default) if isinstance(default, tuple) else default} if is_plain else {}


def _value(hint: Any, *, is_optional: bool) -> _Schema:
    schema = _given(without_none(hint))
    if not is_optional or isinstance(schema["type"], list):
        return schema
    return {
        **schema,
        "type": [schema["type"], "null"],
        **({"enum": [*schema["enum"], None]} if "enum" in schema else {}),
    }


def _given(hint: Any) -> _Schema:
    """Return the schema of a value that is not null."""
    if hint in _SCALARS:
        return dict(_SCALARS[hint])
    if is_dataclass(hint):
        # The description is the one of the key.
        return {key: value for key, value in _object(hint).items() if key != "description"}
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _item(get_args(hint)[0])}
    if get_origin(hint) is dict:
        return {
            "type": "object",
            "propertyNames": {key: _NAME[key] for key in ("minLength", "maxLength")},
            "additionalProperties": _item(get_args(hint)[1]),
        }
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {"type": "string", "enum": list(hint)}
    raise TypeError(f"{hint} has no JSON Schema; add it to {__name__}.")


def _item(hint: Any) -> _Schema:
    return _object(hint) if is_dataclass(hint) else _given(hint)


def _summary(kind: type) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0]


def _descriptions(kind: type) -> dict[str, str]:
    """Return the descriptions in the section "Attributes" of the docstrings of a class and its bases."""
    descriptions: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        _, _, section = (inspect.cleandoc(base.__doc__ or "")).partition("Attributes:\n")
        entries = re.findall(r"^    (\w+): (.+(?:\n {8}.+)*)", section, re.MULTILINE)
        descriptions |= {name: re.sub(r"\s+", " ", text) for name, text in entries}
    return descriptions


if __name__ == "__main__":
    sys.stdout.write(as_text(document_schema()))
