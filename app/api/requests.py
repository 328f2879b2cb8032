"""From the bytes of a request to a checked value, or a problem that names the field."""

import json
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import TypeVar

from flask import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import RequestEntityTooLarge

from app.api.problems import FieldError, Problem

JSON = "application/json"
# No beer needs more; see app.models.
LARGEST_BODY_BYTES = 16 * 1024
_MOST_ERRORS = 20
_LONGEST_NAME = 100

_Model = TypeVar("_Model", bound=BaseModel)

# pydantic speaks of patterns where a person wants to know what is wrong.
_MESSAGES = {
    "string_pattern_mismatch": "String should show something and hold no control characters",
    "extra_forbidden": "This field is not known",
    "model_type": "Input should be an object",
}


class _DuplicateKeyError(ValueError):
    """One object of the body gives the same key twice."""


def parse_body(model: type[_Model], request: Request) -> _Model:
    """The JSON body of ``request`` as a ``model``.

    Raises:
        Problem: 415 when it is not declared as JSON, 400 when it is not JSON, 422 when its fields are wrong.
        RequestEntityTooLarge: it has more than LARGEST_BODY_BYTES.
    """
    if request.mimetype != JSON:
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            f"Send the body as {JSON}.",
            [FieldError("Content-Type", f"Header should be {JSON}")],
            {"Accept-Post": JSON},
        )
    return _validated(model, _json(_body(request)))


def parse_query(model: type[_Model], request: Request) -> _Model:
    """The query string of ``request`` as a ``model``.

    Raises:
        Problem: 422 when a parameter is wrong, unknown or given twice.
    """
    given = request.args.to_dict(flat=False)
    twice = [name for name, values in given.items() if len(values) > 1]
    if twice:
        raise _invalid([FieldError(_shortened(name), "Parameter should be given once") for name in twice])
    return _validated(model, {name: values[0] for name, values in given.items()})


def _body(request: Request) -> bytes:
    # One byte more than is allowed: of a body in chunks Werkzeug returns as much as it may, and does not say that
    # there is more. One that declares its length is refused before any of it is read.
    request.max_content_length = LARGEST_BODY_BYTES + 1
    body = request.get_data(cache=False)
    if len(body) > LARGEST_BODY_BYTES:
        raise RequestEntityTooLarge
    return body


def _json(body: bytes) -> object:
    try:
        # NaN and Infinity are no JSON, but as numbers they are refused with the name of their field.
        return json.loads(
            body.decode("utf-8"),
            parse_float=_decimal,
            parse_constant=Decimal,
            object_pairs_hook=_object_with_unique_keys,
        )
    except _DuplicateKeyError as error:
        message = str(error)
    except RecursionError:
        message = "Body is nested too deeply"
    except ValueError:
        message = "Body should be JSON in UTF-8"
    raise Problem(
        HTTPStatus.BAD_REQUEST, "malformed-body", "The body cannot be read as JSON.", [FieldError("body", message)]
    )


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        # An exponent of more than eighteen digits. As infinity it is refused with the name of its field.
        return Decimal("Infinity")


def _object_with_unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DuplicateKeyError("An object of the body gives the same key twice")
    return found


def _validated(model: type[_Model], value: object) -> _Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        errors = field_errors(error)
    raise _invalid(errors)


def field_errors(error: ValidationError) -> list[FieldError]:
    """Which fields ``error`` is about, and what is wrong with each."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return [FieldError(_place(detail["loc"]), _message(detail)) for detail in details]


def _invalid(errors: list[FieldError]) -> Problem:
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-input", "Some of the input is not valid.", errors[:_MOST_ERRORS]
    )


def _message(detail: ErrorDetails) -> str:
    return _MESSAGES.get(detail["type"], detail["msg"])


def _place(location: tuple[int | str, ...]) -> str:
    return _shortened(".".join(str(part) for part in location)) or "body"


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "..."
