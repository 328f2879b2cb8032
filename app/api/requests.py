"""Parse and validate requests; report errors as problems that name the field."""

import json
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import TypeVar

from flask import Request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from app.api.problems import FieldError, Problem

JSON = "application/json"
# No beer needs more; see app.models.
MAX_BODY_BYTES = 16 * 1024
_MAX_ERRORS = 20
_MAX_NAME_LENGTH = 100

_Model = TypeVar("_Model", bound=BaseModel)

# Clearer than pydantic's own messages.
_MESSAGES = {
    "string_pattern_mismatch": "String should have a visible character and no control or formatting characters",
    "extra_forbidden": "Unknown field",
    "model_type": "Input should be an object",
}


def parse_body(model: type[_Model], request: Request) -> _Model:
    """Parse the JSON body of ``request`` as a ``model``.

    Raises:
        Problem: 415 if its media type is not JSON, 400 if it is not valid JSON, 422 if its fields are not valid.
        RequestEntityTooLarge: It has more than MAX_BODY_BYTES.
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
    """Parse the query string of ``request`` as a ``model``.

    Raises:
        Problem: 422 if a parameter is not valid, unknown or duplicated.
    """
    given = request.args.to_dict(flat=False)
    duplicates = [name for name, values in given.items() if len(values) > 1]
    if duplicates:
        raise _invalid([FieldError(_shortened(name), "Parameter should be given once") for name in duplicates])
    return _validated(model, {name: values[0] for name, values in given.items()})


def _body(request: Request) -> bytes:
    # One byte more than allowed: Werkzeug truncates a chunked body at the limit without an error. A body that declares
    # its length is refused before any of it is read.
    request.max_content_length = MAX_BODY_BYTES + 1
    body = request.get_data(cache=False)
    if len(body) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    return body


def _json(body: bytes) -> object:
    try:
        # NaN and Infinity are not JSON, but parsed as numbers they are refused with the name of their field.
        return json.loads(
            body.decode("utf-8"),
            parse_float=Decimal,
            parse_constant=Decimal,
            object_pairs_hook=_object_with_unique_keys,
        )
    except RecursionError:
        raise _malformed("Body is nested too deeply") from None
    except InvalidOperation:
        raise _malformed("A number in the body has an exponent of more than eighteen digits") from None
    except ValueError:
        raise _malformed("Body should be JSON in UTF-8") from None


def _malformed(message: str) -> Problem:
    errors = [FieldError("body", message)]
    return Problem(HTTPStatus.BAD_REQUEST, "malformed-body", "The body cannot be read as JSON.", errors)


def _object_with_unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise _malformed("An object in the body has a duplicate key")
    return unique


def _validated(model: type[_Model], value: object) -> _Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise _invalid(field_errors(error)) from None


def field_errors(error: ValidationError) -> list[FieldError]:
    """Return the fields in ``error``, each with its message."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        FieldError(
            _shortened(".".join(map(str, detail["loc"]))) or "body", _MESSAGES.get(detail["type"], detail["msg"])
        )
        for detail in details
    ]


def _invalid(errors: list[FieldError]) -> Problem:
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-input", "Some of the input is not valid.", errors[:_MAX_ERRORS]
    )


def _shortened(name: str) -> str:
    return name if len(name) <= _MAX_NAME_LENGTH else name[:_MAX_NAME_LENGTH] + "..."
