"""The API's operations as values: each route is served from the value that documents it.

So app.api.openapi describes every route, and every described input is validated.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Blueprint, Response, request
from pydantic import BaseModel

from app.api.problems import Problem, plain_problem
from app.api.requests import JSON, parse_body, parse_query
from app.api.write_token import TokenGuard


@dataclass(frozen=True)
class Success:
    """The successful response of an operation.

    Attributes:
        description: One sentence for people.
        model: The type of the JSON.
        headers: Descriptions of its headers, by name.
    """

    description: str
    model: type[BaseModel]
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """One method of one route.

    Attributes:
        name: Unique within the API.
        rule: The route in Flask's syntax.
        summary: A few words for people.
        success: The successful response.
        description: Details for people.
        tag: The section of the documentation.
        path: Types of the route's variables.
        query: Type of the query string.
        body: Type of the JSON body.
        problems: Error statuses in addition to those that follow from the input's types.
        is_write: Whether it requires the write token, if one is configured.
        is_conditional: Whether it has an ETag, and evaluates If-None-Match and If-Match.
    """

    name: str
    method: str
    rule: str
    summary: str
    success: Success
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
        """The route in OpenAPI's syntax."""
        return re.sub(r"<(?:[^>]*:)?(\w+)>", r"{\1}", self.rule)


def serve(
    blueprint: Blueprint, operation: Operation, view: Callable[..., Response], guard: TokenGuard | None = None
) -> None:
    """Serve ``operation`` by ``view``, called with its validated inputs: the route's variables, ``query``, ``body``."""

    def respond(**given: object) -> Response:
        if operation.is_write:
            _refuse_other_sites()
            if guard:
                guard.check(request.headers.get("Authorization"))
        if operation.query:
            given["query"] = parse_query(operation.query, request)
        if operation.body:
            given["body"] = parse_body(operation.body, request)
        response = view(**given)
        if operation.is_conditional:
            return conditional(response)
        response.headers["Cache-Control"] = "no-store"
        return response

    blueprint.add_url_rule(operation.rule, operation.name, respond, methods=[operation.method])


def _refuse_other_sites() -> None:
    """Refuse a form or script of another site in a browser, which could otherwise write where no token is required.

    Raises:
        Problem: 403.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    # Browsers of before 2023 send only an Origin.
    is_foreign = site not in {"same-origin", "none"} if site else origin and urlsplit(origin).netloc != request.host
    if is_foreign:
        raise Problem(HTTPStatus.FORBIDDEN, "cross-site", "Web pages of other sites cannot change the catalogue.")


def json_response(text: str, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response whose body is the JSON ``text``."""
    return Response(text, status=status.value, headers=headers, content_type=JSON)


def conditional(response: Response) -> Response:
    """Give ``response`` an ETag; answer 304 or 412 if the request has a condition that says so.

    Raises:
        Problem: 412.
    """
    response.headers.add("ETag", f'"{blake2b(response.get_data(), digest_size=12).hexdigest()}"')
    # It can be cached, but must be revalidated before each use.
    response.headers.add("Cache-Control", "no-cache")
    if "HTTP_IF_NONE_MATCH" in request.environ or "HTTP_IF_MATCH" in request.environ:
        response.make_conditional(request)
        if response.status_code == HTTPStatus.PRECONDITION_FAILED:
            raise plain_problem(HTTPStatus.PRECONDITION_FAILED, "The response does not have the ETag of If-Match.")
    return response
