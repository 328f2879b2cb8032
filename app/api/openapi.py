"""The OpenAPI document: what app.api.operations serves, described by the types that check it."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema
from werkzeug.http import HTTP_STATUS_CODES

from app.api.operations import Operation
from app.api.problems import MEDIA_TYPE, ProblemDocument
from app.api.requests import JSON

OPENAPI_VERSION = "3.1.0"
_COMPONENTS = "#/components/schemas/{model}"
_SCHEME = "writeToken"

_DESCRIPTION = """\
A small catalogue of beers. Whatever is not a success is a problem document (RFC 9457): `type` names its kind for
programs, `detail` says what happened, `errors` which field is wrong and how, and `request_id` finds it in the log.
"""

_MEANINGS = {
    HTTPStatus.BAD_REQUEST: "The request cannot be read.",
    HTTPStatus.UNAUTHORIZED: "The write token is missing or not valid.",
    HTTPStatus.FORBIDDEN: "Switched off here.",
    HTTPStatus.NOT_FOUND: "There is no such thing.",
    HTTPStatus.CONFLICT: "There is one of this name already.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not declared as JSON.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Some of the input is not valid.",
    HTTPStatus.SERVICE_UNAVAILABLE: "It cannot be done right now; try again after `Retry-After` seconds.",
}
# What a problem's headers tell, beside the document.
_HEADERS = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "How to show a token."},
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: {"Accept-Post": "The media type to send."},
}


class _Schemas(GenerateJsonSchema):
    """JSON Schema as this API reads and writes: a decimal is a number, and a value that is absent is not null."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """A number with the limits of its type; its places, where callers send it."""
        found: JsonSchemaValue = {"type": "number"}
        limits = {"minimum": schema.get("ge"), "maximum": schema.get("le")}
        found.update({name: int(limit) for name, limit in limits.items() if limit is not None})
        if self.mode == "validation" and "decimal_places" in schema:
            found["multipleOf"] = 10.0 ** -schema["decimal_places"]
        return found


def openapi_document(operations: Iterable[Operation], *, version: str, asks_for_token: bool) -> dict[str, Any]:
    """The document of ``operations``, ready to be written as JSON."""
    schemas: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        described = _operation(operation, schemas, asks_for_token=asks_for_token)
        paths.setdefault(operation.template, {})[operation.method.lower()] = described
    components: dict[str, Any] = {"schemas": dict(sorted(schemas.items()))}
    if asks_for_token:
        components["securitySchemes"] = {_SCHEME: {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": OPENAPI_VERSION,
        "info": {
            "title": "Taproom",
            "version": version,
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": components,
    }


def _operation(operation: Operation, schemas: dict[str, Any], *, asks_for_token: bool) -> dict[str, Any]:
    is_guarded = operation.is_write and asks_for_token
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
    }
    if operation.description:
        described["description"] = operation.description
    parameters = [*_parameters(operation.path, "path"), *_parameters(operation.query, "query")]
    if parameters:
        described["parameters"] = parameters
    if operation.body:
        content = {JSON: {"schema": _reference(operation.body, "validation", schemas)}}
        described["requestBody"] = {"required": True, "content": content}
    if is_guarded:
        described["security"] = [{_SCHEME: []}]
    described["responses"] = {
        str(operation.answer.status.value): _success(operation, schemas),
        **({"304": {"description": "It is as you have seen it."}} if operation.is_conditional else {}),
        **{str(status.value): _problem(status, schemas) for status in _problems(operation, is_guarded=is_guarded)},
    }
    return described


def _problems(operation: Operation, *, is_guarded: bool) -> list[HTTPStatus]:
    statuses = set(operation.problems)
    if operation.query:
        statuses |= {HTTPStatus.UNPROCESSABLE_ENTITY}
    if operation.body:
        statuses |= {
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        }
    if is_guarded:
        statuses |= {HTTPStatus.UNAUTHORIZED, HTTPStatus.SERVICE_UNAVAILABLE}
    return sorted(statuses)


def _parameters(model: type[BaseModel] | None, place: str) -> list[dict[str, Any]]:
    if model is None:
        return []
    schema = model.model_json_schema(schema_generator=_Schemas, mode="validation")
    return [_parameter(name, place, field) for name, field in schema["properties"].items()]


def _parameter(name: str, place: str, field: Mapping[str, Any]) -> dict[str, Any]:
    schema = {key: value for key, value in field.items() if key not in {"title", "description"}}
    choices = schema.pop("anyOf", [])
    # In a query string nothing is null: what is not given is absent.
    schema.update(next((choice for choice in choices if choice != {"type": "null"}), {}))
    if schema.get("default", "") is None:
        del schema["default"]
    described = {"name": name, "in": place, "required": place == "path", "schema": schema}
    return {**described, "description": field["description"]} if "description" in field else described


def _success(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    answer = operation.answer
    headers = {**answer.headers, **({"ETag": "Names this very answer."} if operation.is_conditional else {})}
    described = {
        "description": answer.description,
        "content": {JSON: {"schema": _reference(answer.model, "serialization", schemas)}},
    }
    return {**described, "headers": _headers(headers)} if headers else described


def _problem(status: HTTPStatus, schemas: dict[str, Any]) -> dict[str, Any]:
    described = {
        "description": _MEANINGS.get(status, HTTP_STATUS_CODES[status]),
        "content": {MEDIA_TYPE: {"schema": _reference(ProblemDocument, "serialization", schemas)}},
    }
    return {**described, "headers": _headers(_HEADERS[status])} if status in _HEADERS else described


def _headers(descriptions: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in descriptions.items()}


def _reference(model: type[BaseModel], mode: JsonSchemaMode, schemas: dict[str, Any]) -> dict[str, str]:
    if model.__name__ not in schemas:
        schema = model.model_json_schema(ref_template=_COMPONENTS, schema_generator=_Schemas, mode=mode)
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    return {"$ref": _COMPONENTS.format(model=model.__name__)}
