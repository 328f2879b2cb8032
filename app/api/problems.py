"""Every answer that is not a success has one form: a problem document (RFC 9457).

What is told is static text and the names of fields. What went wrong inside stands in the log, under the request's id.
"""

import json
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
    """What is wrong with one field of the input."""

    field: str
    message: str


@dataclass(eq=False)
class Problem(Exception):  # noqa: N818 - it is both what is raised and what is sent
    """An answer that is not a success.

    Attributes:
        status: the HTTP status.
        code: a stable name for this kind of problem, for programs; the last part of ``type``.
        detail: one sentence for people.
        errors: which fields are wrong, and how.
        headers: further headers of the answer.
    """

    status: HTTPStatus
    code: str
    detail: str
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


class ProblemDocument(BaseModel):
    """What went wrong, as RFC 9457 writes it."""

    type: str = Field(description="Names the kind of problem, for programs: `urn:taproom:problem:...`.")
    title: str
    status: int
    detail: str = Field(description="What happened, for people.")
    errors: list[FieldError] = Field(default=[], description="Which fields of the input are wrong, and how.")
    request_id: str = Field(default="", description="What the log calls this request.")


def problem_document(problem: Problem, request_id: str | None = None) -> str:
    """The JSON of ``problem``."""
    document: dict[str, object] = {
        "type": f"urn:taproom:problem:{problem.code}",
        "title": HTTP_STATUS_CODES[problem.status],
        "status": problem.status.value,
        "detail": problem.detail,
    }
    if problem.errors:
        document["errors"] = [{"field": error.field, "message": error.message} for error in problem.errors]
    if request_id:
        document["request_id"] = request_id
    return json.dumps(document)


def problem_response(problem: Problem) -> Response:
    """The answer that carries ``problem``."""
    response = Response(problem_document(problem, g.get("request_id")), status=problem.status, content_type=MEDIA_TYPE)
    response.headers.update(problem.headers)
    response.headers["Cache-Control"] = "no-store"
    return response


def register_problem_handlers(app: Flask) -> None:
    """Make every error of ``app`` a problem document."""
    app.register_error_handler(Problem, problem_response)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DatabaseUnavailableError, _database_unavailable)
    app.register_error_handler(Exception, _unexpected)


def _http_error(error: HTTPException) -> Response:
    """What Flask and Werkzeug refuse by themselves: unknown routes, methods, oversized bodies."""
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
    return problem_response(plain_problem(status, error.description or HTTP_STATUS_CODES[status], headers))


def _database_unavailable(error: DatabaseUnavailableError) -> Response:
    log_database_unavailable(error)
    return problem_response(database_unavailable("The database cannot answer right now. Please try again."))


def _unexpected(error: Exception) -> Response:
    _log.error("Unexpected error", exc_info=error)
    return problem_response(
        Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", "Something went wrong here; it has been logged.")
    )


def plain_problem(status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> Problem:
    """A problem that is fully described by its status, whose name is its code."""
    # Not HTTPStatus.phrase, which has changed between versions of Python.
    return Problem(status, HTTP_STATUS_CODES[status].lower().replace(" ", "-"), detail, headers=headers or {})


def log_database_unavailable(error: DatabaseUnavailableError) -> None:
    """One line about ``error`` and its cause. Without a traceback: there will be one of these for each request."""
    cause = error.__cause__
    said = f"{type(cause).__name__}: {cause}".partition("\n")[0]
    _log.warning("Database unavailable", extra={"fields": {"reason": error.reason, "cause": said}})


def database_unavailable(detail: str) -> Problem:
    """The problem of a service that is without its database for the moment."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "database-unavailable",
        detail,
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )
