"""What gunicorn itself says to callers and to the log, in the service's own forms.

gunicorn answers a request that it cannot even parse with a page of HTML that repeats the input, announces its name in
each response, and writes logs of its own format. It has no settings for these, so this module puts its own functions
in their places; ``tests/integration/app/test_server.py`` would notice if a new version of gunicorn no longer took them.
"""

import socket
from http import HTTPStatus
from typing import Any

import gunicorn.glogging  # type: ignore[import-untyped]
import gunicorn.http.wsgi  # type: ignore[import-untyped]
import gunicorn.util  # type: ignore[import-untyped]
from werkzeug.http import HTTP_STATUS_CODES

from app.api.problems import MEDIA_TYPE, Problem, plain_problem, problem_document
from app.logs import configure_logging

SERVER_NAME = "taproom"


class JsonLogger(gunicorn.glogging.Logger):  # type: ignore[misc]
    """gunicorn's messages as lines of JSON, through the same handler as the application's."""

    def setup(self, cfg: Any) -> None:
        """Configure logging for the master and, by inheritance, for its workers."""
        super().setup(cfg)
        configure_logging(cfg.loglevel.upper())
        self.error_log.handlers.clear()
        self.error_log.propagate = True


def use_own_forms() -> None:
    """Let gunicorn's own errors be problem documents, and its name be the service's."""
    gunicorn.util.write_error = _write_error
    gunicorn.http.wsgi.SERVER = SERVER_NAME


def write_problem(client: socket.socket, problem: Problem) -> None:
    """Answer a request that does not reach the application, and announce that the connection is closed."""
    body = problem_document(problem).encode()
    headers = {
        "Server": SERVER_NAME,
        "Connection": "close",
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
        **problem.headers,
    }
    lines = [f"HTTP/1.1 {problem.status.value} {HTTP_STATUS_CODES[problem.status]}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    gunicorn.util.write_nonblock(client, "\r\n".join([*lines, "", ""]).encode("ascii") + body)


def _write_error(client: socket.socket, status: int, reason: str, message: str) -> None:  # noqa: ARG001 - gunicorn's
    """Answer a request that cannot be parsed; its parts are not repeated."""
    write_problem(client, plain_problem(HTTPStatus(status), "The server cannot make sense of this request."))
