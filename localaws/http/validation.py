"""Validate a request against botocore's model of the operation, as AWS does before it reads any resource.

Checked: required and unknown members, enumerations, lengths, ranges and patterns. A pattern must match the whole value;
one that Python's ``re`` does not know is skipped. Unknown members are visible in the JSON protocol only: the parsers of
the others drop them.
"""

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

from moto.core.utils import get_service_model

from localaws.http.call import ApiCall

_LENGTHS = {"string": "length", "list": "length", "map": "length"}
_NUMBERS = {"integer", "long", "float", "double"}


def violations_of(call: ApiCall) -> Iterator[str]:
    """Yield the violations of a call; none if it could not be parsed, or if botocore does not know its operation."""
    if not call.parameters:
        return
    shape = get_service_model(call.service).operation_model(call.operation).input_shape
    # Only the body itself still has members that the model lacks.
    yield from violations(shape, json.loads(call.body) if call.protocol == "json" else call.parameters)


def violations(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """Yield what AWS's model of a shape does not allow in a value, in the words of AWS.

    Args:
        shape: botocore's description.
        value: parsed by AWS's names.
        path: of the value in the request, for the messages.
    """
    if value is None:
        return
    if shape.type_name == "structure":
        yield from _in_structure(shape, value, path)
    elif shape.type_name == "list":
        yield from _of_size(shape, len(value), path)
        for index, item in enumerate(value):
            yield from violations(shape.member, item, f"{path}.{index + 1}.member")
    elif shape.type_name == "map":
        yield from _of_size(shape, len(value), path)
        for key, item in value.items():
            yield from violations(shape.key, key, f"{path}.key")
            yield from violations(shape.value, item, f"{path}.{key}")
    elif shape.type_name in _NUMBERS:
        yield from _of_size(shape, value, path)
    elif shape.type_name == "string" and isinstance(value, str):
        yield from _in_string(shape, value, path)


def _in_structure(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict) or getattr(shape, "is_document_type", False):
        return
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value null at '{_at(path, name)}' failed to satisfy constraint: Member must not be null"
    for name, item in value.items():
        if name in shape.members:
            yield from violations(shape.members[name], item, _at(path, name))
        else:
            yield f"Unknown member '{_at(path, name)}'"


def _in_string(shape: Any, value: str, path: str) -> Iterator[str]:
    yield from _of_size(shape, len(value), path)
    if shape.enum and value not in shape.enum:
        yield f"{_failed(value, path)} satisfy enum value set: [{', '.join(shape.enum)}]"
    pattern = _compiled(shape.metadata.get("pattern", ""))
    if pattern and not pattern.fullmatch(value):
        yield f"{_failed(value, path)} satisfy regular expression pattern: {pattern.pattern}"


def _of_size(shape: Any, size: float, path: str) -> Iterator[str]:
    what = _LENGTHS.get(shape.type_name, "value")
    if size < shape.metadata.get("min", size):
        yield f"{_failed(size, path)} have {what} greater than or equal to {shape.metadata['min']}"
    if size > shape.metadata.get("max", size):
        yield f"{_failed(size, path)} have {what} less than or equal to {shape.metadata['max']}"


def _failed(value: object, path: str) -> str:
    return f"Value '{value}' at '{path}' failed to satisfy constraint: Member must"


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern) if pattern else None
    except re.error:
        return None
