"""gunicorn's threaded worker with three bounds that it lacks, so that no caller can make the others wait for long.

A connection takes a thread only once something has been sent. Whoever then sends a request more slowly than within
REQUEST_SECONDS is told so (408). And a request that has waited for a thread for longer than QUEUE_SECONDS is not begun
any more (503): answering late what nobody waits for is how an overload outlives its cause.
``tests/integration/app/test_overload.py`` would notice if a new version of gunicorn no longer asked these methods.
"""

import logging
import socket
import time
from functools import partial
from http import HTTPStatus
from selectors import EVENT_READ
from typing import Any

from gunicorn.http.parser import RequestParser  # type: ignore[import-untyped]
from gunicorn.http.unreader import SocketUnreader  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]

from app.api.problems import RETRY_AFTER_SECONDS, Problem, plain_problem
from app.server.worker import write_problem

# For a connection that says nothing, and for the whole of a request.
REQUEST_SECONDS = 10.0
QUEUE_SECONDS = 3.0
# What has waited for longer has mostly arrived meanwhile; the rest is not worth a thread.
LATE_REQUEST_SECONDS = 0.2

# A worker that has connections pauses before it takes one more, so that one with fewer is quicker. A load balancer
# keeps what it has opened, and left to chance one worker had all of them now and then, the others nothing to do.
PAUSE_SECONDS = 0.00005
MOST_PAUSES = 10

# Whether this process is alive is told however busy it is.
_ALWAYS_ANSWERED = "/livez"

_log = logging.getLogger(__name__)


class SlowRequestError(Exception):
    """The head of a request did not arrive in time."""


class BoundedWorker(ThreadWorker):  # type: ignore[misc]
    """What gunicorn runs in each worker process."""

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection, and wait for what it sends without a thread."""
        time.sleep(min(self.nr_conns, MOST_PAUSES) * PAUSE_SECONDS)
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # another worker was quicker, or the caller gave up
        self.nr_conns += 1
        connection = _Connection(self.cfg, client, address, listener.getsockname())
        connection.timeout = time.monotonic() + REQUEST_SECONDS
        self.pending_conns.append(connection)
        self.poller.register(client, EVENT_READ, partial(self.on_pending_socket_readable, connection))

    def enqueue_req(self, conn: "_Connection") -> None:
        """Let a request wait for a thread."""
        conn.queued_at = time.monotonic()
        super().enqueue_req(conn)

    def handle(self, conn: "_Connection") -> Any:
        """Take a request on, in a thread."""
        conn.waited_seconds = time.monotonic() - conn.queued_at
        conn.patience_seconds = LATE_REQUEST_SECONDS if conn.is_late else REQUEST_SECONDS
        return super().handle(conn)

    def handle_request(self, req: Any, conn: "_Connection") -> bool:
        """Answer a request; whether the connection can be used again."""
        if conn.is_late and req.path != _ALWAYS_ANSWERED:
            _log.warning("Too busy", extra={"fields": {"waited_ms": round(conn.waited_seconds * 1000)}})
            write_problem(conn.sock, _too_busy())
            return False
        return bool(super().handle_request(req, conn))

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answer a request that could not be read."""
        if isinstance(exc, SlowRequestError):
            detail = f"A request must arrive within {REQUEST_SECONDS:g} seconds."
            write_problem(client, plain_problem(HTTPStatus.REQUEST_TIMEOUT, detail))
        else:
            super().handle_error(req, client, addr, exc)


class _Connection(TConn):  # type: ignore[misc]
    """A connection whose requests are read against a deadline."""

    queued_at = 0.0
    waited_seconds = 0.0
    patience_seconds = REQUEST_SECONDS

    @property
    def is_late(self) -> bool:
        """Whether its request has waited for too long."""
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
    """Reads no longer than until a deadline; TimeoutError is what Werkzeug takes for a caller who has gone."""

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
        "More is asked than can be answered right now. Please try again.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )
