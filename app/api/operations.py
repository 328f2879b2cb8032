"""What the API can be asked, as values: a route is served from the same value that documents it.

So nothing can be served that app.api.openapi does not describe, and no input described that is not checked.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from http import HTTPStatus

from flask import Blueprint, Response, request
from pydantic import BaseModel

from app.api.requests import JSON, parse_body, parse_query
from app.api.write_token import Guard


@dataclass(frozen=True)
class Answer:
    """What a success looks like.

    Attributes:
        description: one sentence for people.
        model: the type of the JSON.
        headers: what else is told, by the header's name.
    """

    description: str
    model: type[BaseModel]
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """One method of one route.

    Attributes:
        name: unique in the whole API.
        rule: the route as Flask spells it.
        summary: a few words for people.
        answer: a success.
        description: what the summary cannot say.
        tag: the chapter of the documentation.
        path: types of the route's variables.
        query: type of the query string.
        body: type of the JSON that is sent.
        problems: what may be answered beside what follows from the input's types.
        is_write: whether it asks for the write token, where there is one.
        is_conditional: whether it has an ETag, and answers 304 to a caller who has seen it.
    """

    name: str
    method: str
    rule: str
    summary: str
    answer: Answer
    description: str = ""
    tag: str = "Beers"
    path: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    problems: tuple[HTTPStatus, ...] = ()
    is_write: bool = False
    is_conditional: bool = False

    @property
    def template(self) -> str:
        """The route as OpenAPI spells it."""
        return re.sub(r"<(?:[^>]*:)?(\w+)>", r"{\1}", self.rule)


def serve(blueprint: Blueprint, operation: Operation, view: Callable[..., Response], guard: Guard) -> None:
    """Let ``view`` answer ``operation``, called with what was checked: the route's variables, ``query``, ``body``."""

    def answer(**given: object) -> Response:
        if operation.is_write:
            guard.check(request.headers.get("Authorization"))
        if operation.query:
            given["query"] = parse_query(operation.query, request)
        if operation.body:
            given["body"] = parse_body(operation.body, request)
        response = view(**given)
        return _conditional(response) if operation.is_conditional else response

    blueprint.add_url_rule(operation.rule, operation.name, answer, methods=[operation.method])


def json_response(text: str, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Response:
    """An answer whose JSON is written already."""
    return Response(text, status=status.value, headers=headers, content_type=JSON)


def _conditional(response: Response) -> Response:
    response.headers.add("ETag", f'"{blake2b(response.get_data(), digest_size=12).hexdigest()}"')
    # May be kept, but is asked for before it is used again.
    response.headers.add("Cache-Control", "no-cache")
    if "If-None-Match" in request.headers:
        response.make_conditional(request)
    return response
