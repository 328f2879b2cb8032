"""gunicorn's threaded worker with timeouts, and with gunicorn's own responses and logs in the service's formats.

gunicorn lacks three bounds, without which one client can delay all others:

- An idle connection occupies no thread: it gets one only when the client has sent something.
- A client that takes longer than REQUEST_SECONDS to send a request gets 408.
- A request that has waited longer than QUEUE_SECONDS for a thread gets 503. Answering it late, when the client has
  given up, would prolong an overload.

gunicorn also answers a request that it cannot parse with HTML that repeats the input, announces its name in every
response, and writes logs in its own format. There are no settings for these, so ``patch_gunicorn`` replaces functions.

``tests/integration/app/test_overload.py`` and ``test_server.py`` fail if a new version of gunicorn does not call these
methods and functions.
"""

import logging
import socket
import time
from functools import partial
from http import HTTPStatus
from selectors import EVENT_READ
from typing import Any

import gunicorn.glogging  # type: ignore[import-untyped]
import gunicorn.http.wsgi  # type: ignore[import-untyped]
import gunicorn.util  # type: ignore[import-untyped]
from gunicorn.http.parser import RequestParser  # type: ignore[import-untyped]
from gunicorn.http.unreader import SocketUnreader  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]
from werkzeug.http import HTTP_STATUS_CODES

from app.api.problems import MEDIA_TYPE, RETRY_AFTER_SECONDS, Problem, plain_problem, problem_document
from app.logs import configure_logging

SERVER_NAME = "taproom"

# For an idle connection, and for receiving a whole request.
REQUEST_SECONDS = 10.0
QUEUE_SECONDS = 3.0
# For receiving a request that has waited too long: most of it has already arrived, the rest is not worth a thread.
LATE_REQUEST_SECONDS = 0.2

# A worker pauses for this time for each of its connections before it accepts another, so that a worker with fewer
# connections is faster. A load balancer keeps its connections, and without this one worker sometimes got all of them.
PAUSE_SECONDS = 0.00005
MAX_PAUSES = 10

# These probes are answered even under overload: a replaced task would make it worse.
_ALWAYS_ANSWERED = frozenset({"/livez", "/startupz"})

_log = logging.getLogger(__name__)


class SlowRequestError(Exception):
    """The head of a request did not arrive in time."""


class BoundedWorker(ThreadWorker):  # type: ignore[misc]
    """The worker class that gunicorn runs."""

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection, and wait for its first bytes without a thread."""
        time.sleep(min(self.nr_conns, MAX_PAUSES) * PAUSE_SECONDS)
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # another worker was faster, or the client closed the connection
        self.nr_conns += 1
        connection = _Connection(self.cfg, client, address, listener.getsockname())
        connection.timeout = time.monotonic() + REQUEST_SECONDS
        self.pending_conns.append(connection)
        self.poller.register(client, EVENT_READ, partial(self.on_pending_socket_readable, connection))

    def enqueue_req(self, conn: "_Connection") -> None:
        """Queue a request for a thread."""
        conn.queued_at = time.monotonic()
        super().enqueue_req(conn)

    def handle(self, conn: "_Connection") -> Any:
        """Start to handle a request, in a thread."""
        conn.waited_seconds = time.monotonic() - conn.queued_at
        conn.patience_seconds = LATE_REQUEST_SECONDS if conn.is_late else REQUEST_SECONDS
        return super().handle(conn)

    def handle_request(self, req: Any, conn: "_Connection") -> bool:
        """Answer a request; return whether the connection can be reused."""
        if conn.is_late and req.path not in _ALWAYS_ANSWERED:
            _log.warning("Too busy", extra={"fields": {"waited_ms": round(conn.waited_seconds * 1000)}})
            write_problem(conn.sock, _too_busy())
            return False
        return bool(super().handle_request(req, conn))

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answer a request that could not be received."""
        if isinstance(exc, SlowRequestError):
            detail = f"A request must arrive within {REQUEST_SECONDS:g} seconds."
            write_problem(client, plain_problem(HTTPStatus.REQUEST_TIMEOUT, detail))
        else:
            super().handle_error(req, client, addr, exc)


class _Connection(TConn):  # type: ignore[misc]
    """A connection whose requests are received with a deadline."""

    queued_at = 0.0
    waited_seconds = 0.0
    patience_seconds = REQUEST_SECONDS

    @property
    def is_late(self) -> bool:
        """Whether its request has waited too long."""
        return self.waited_seconds > QUEUE_SECONDS

    def init(self) -> None:
        """Prepare to read."""
        if not self.initialized:
            super().init()
            self.parser = _Parser(self)


class _Parser(RequestParser):  # type: ignore[misc]
    def __init__(self, connection: _Connection) -> None:
        super().__init__(connection.cfg, connection.sock, connection.client)
        self.connection = connection
        self.unreader = _Unreader(connection.sock)

    def __next__(self) -> Any:
        self.unreader.deadline = time.monotonic() + self.connection.patience_seconds
        try:
            return super().__next__()
        except TimeoutError as error:
            raise SlowRequestError from error


class _Unreader(SocketUnreader):  # type: ignore[misc]
    """Reads until a deadline, then raises TimeoutError, which Werkzeug treats as a client that disconnected."""

    deadline = float("inf")

    def chunk(self, size_hint: int | None = None) -> bytes:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        limit = self.sock.gettimeout()
        self.sock.settimeout(left if limit is None else min(left, limit))
        received: bytes = super().chunk(size_hint)
        return received


def _too_busy() -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "too-busy",
        "There are more requests than can be answered right now. Please try again.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


class JsonLogger(gunicorn.glogging.Logger):  # type: ignore[misc]
    """Writes gunicorn's messages as JSON, through the same handler as the application's."""

    def setup(self, cfg: Any) -> None:
        """Configure logging for the master and, by inheritance, for its workers."""
        super().setup(cfg)
        configure_logging(cfg.loglevel.upper())
        self.error_log.handlers.clear()
        self.error_log.propagate = True


def patch_gunicorn() -> None:
    """Make gunicorn's error responses problem documents, and its server name the service's."""
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
    """Answer a request that cannot be parsed, without repeating any of it."""
    write_problem(client, plain_problem(HTTPStatus(status), "This request cannot be parsed."))
