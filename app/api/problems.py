"""Every error response is a problem document (RFC 9457).

It contains only constant text and the names of fields. The log has the cause, under the request's ID.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from flask import Flask, Response, g
from pydantic import BaseModel, Field
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from app.database.pool import DatabaseUnavailableError

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FieldError:
    """An error in one field of the input."""

    field: str
    message: str


@dataclass(eq=False)
class Problem(Exception):  # noqa: N818 - it is both raised and sent
    """An error response.

    Attributes:
        code: A stable name for this type of problem, for programs; the last part of ``type``.
        detail: One sentence for people.
        errors: The fields that are not valid.
    """

    status: HTTPStatus
    code: str
    detail: str
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


class ProblemDocument(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(description="The type of problem, for programs: `urn:taproom:problem:...`.")
    title: str
    status: int
    detail: str = Field(description="The error, for people.")
    errors: list[FieldError] = Field(default=[], description="The fields that are not valid.")
    request_id: str = Field(default="", description="The ID of this request in the log.")


def problem_document(problem: Problem, request_id: str = "") -> str:
    """Return ``problem`` as JSON."""
    return ProblemDocument(
        type=f"urn:taproom:problem:{problem.code}",
        title=HTTP_STATUS_CODES[problem.status],
        status=problem.status.value,
        detail=problem.detail,
        errors=list(problem.errors),
        request_id=request_id,
    ).model_dump_json(exclude_defaults=True)


def problem_response(problem: Problem) -> Response:
    """Return the response for ``problem``."""
    response = Response(
        problem_document(problem, g.get("request_id", "")), status=problem.status, content_type=MEDIA_TYPE
    )
    response.headers.update(problem.headers)
    response.headers["Cache-Control"] = "no-store"
    return response


def register_problem_handlers(app: Flask) -> None:
    """Turn every error of ``app`` into a problem document."""
    app.register_error_handler(Problem, problem_response)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(DatabaseUnavailableError, _database_unavailable)
    app.register_error_handler(Exception, _unexpected)


def http_error(error: HTTPException) -> Response:
    """Handle the errors that Flask and Werkzeug raise: unknown routes, methods, oversized bodies."""
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
    return problem_response(plain_problem(status, error.description or HTTP_STATUS_CODES[status], headers))


def _database_unavailable(error: DatabaseUnavailableError) -> Response:
    log_database_unavailable(error)
    detail = "The database is unavailable right now. Please try again."
    return problem_response(unavailable("database-unavailable", detail))


def _unexpected(error: Exception) -> Response:
    _log.error("Unexpected error", exc_info=error)
    return problem_response(
        Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", "An unexpected error occurred; it has been logged.")
    )


def plain_problem(status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> Problem:
    """Return a problem whose code is the name of its status."""
    # Not HTTPStatus.phrase, which differs between versions of Python.
    return Problem(status, HTTP_STATUS_CODES[status].lower().replace(" ", "-"), detail, headers=headers or {})


def log_database_unavailable(error: DatabaseUnavailableError) -> None:
    """Log ``error`` and its cause without a traceback, because an outage causes one line for each request."""
    cause = error.__cause__
    message = f"{type(cause).__name__}: {cause}".partition("\n")[0]
    _log.warning("Database unavailable", extra={"fields": {"reason": str(error), "cause": message}})


def unavailable(code: str, detail: str) -> Problem:
    """Return the problem of a service that can probably answer a retry."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, code, detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
