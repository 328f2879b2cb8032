"""The API's operations: each route is served from the values that document it.

So app.api.openapi describes every route, and every described input is validated.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, request
from pydantic import BaseModel

from app.api.problems import Problem, plain_problem
from app.api.requests import JSON, parse_body, parse_query
from app.api.write_token import TokenGuard


@dataclass(frozen=True)
class Operation:
    """One method of one route.

    Attributes:
        rule: The route in Flask's syntax.
        response: The type of the JSON of a successful response.
        headers: Descriptions of the headers of a successful response, by name.
        problems: Error statuses in addition to those that follow from the other attributes.
        is_write: Whether it requires the write token, if one is configured.
        is_conditional: Whether it has an ETag, and evaluates If-None-Match and If-Match.
    """

    method: str
    rule: str
    response: type[BaseModel]
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[HTTPStatus, ...] = ()
    is_write: bool = False
    is_conditional: bool = False


View = Callable[..., Response]


class Api(Blueprint):
    """A blueprint of operations."""

    def __init__(self, name: str, guard: TokenGuard | None = None) -> None:
        super().__init__(name, __name__)
        self.operations: list[tuple[Operation, View]] = []
        self._guard = guard

    def serves(self, operation: Operation) -> Callable[[View], View]:
        """Serve ``operation`` by the decorated view, called with its validated inputs.

        Its parameters are the route's variables, ``query`` and ``body``, annotated with their types. Its docstring is
        the operation's summary and description.
        """

        def register(view: View) -> View:
            inputs = view.__annotations__

            def respond(**given: Any) -> Response:
                if operation.is_write:
                    _refuse_other_sites()
                    if self._guard:
                        self._guard.check(request.headers.get("Authorization"))
                if "query" in inputs:
                    given["query"] = parse_query(inputs["query"], request)
                if "body" in inputs:
                    given["body"] = parse_body(inputs["body"], request)
                response = view(**given)
                if operation.is_conditional:
                    return conditional(response)
                response.headers["Cache-Control"] = "no-store"
                return response

            self.add_url_rule(operation.rule, view.__name__, respond, methods=[operation.method])
            self.operations.append((operation, view))
            return view

        return register


def _refuse_other_sites() -> None:
    """Refuse a form or script of another site in a browser, which could otherwise write where no token is required."""
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
    response.add_etag()
    # It can be cached, but must be revalidated before each use.
    response.headers.add("Cache-Control", "no-cache")
    if "HTTP_IF_NONE_MATCH" in request.environ or "HTTP_IF_MATCH" in request.environ:
        response.make_conditional(request)
        if response.status_code == HTTPStatus.PRECONDITION_FAILED:
            raise plain_problem(HTTPStatus.PRECONDITION_FAILED, "The response does not have the ETag of If-Match.")
    return response
