"""gunicorn's threaded worker, in which clients occupy no thread, with responses and logs in the service's formats.

gunicorn's threads wait for requests to arrive, and its main thread waits for clients to close connections. So a few
slow clients delay all others. Here nothing waits for a client:

- A request gets a thread when it has arrived as a whole, or as far as it takes to refuse it.
- A client that takes longer than REQUEST_SECONDS to send a request gets 408; one that takes longer than SEND_SECONDS to
  read a response is disconnected.
- A request that has waited longer than QUEUE_SECONDS for a thread gets 503. Answering it late, when the client has
  given up, would prolong an overload.

gunicorn also answers a request that it cannot parse with HTML that repeats the input, announces its name in every
response, and writes logs in its own format. There are no settings for these, so ``patch_gunicorn`` replaces functions.

``tests/integration/app/test_overload.py`` and ``test_server.py`` fail if a new version of gunicorn does not call these
methods and functions.
"""

import contextlib
import errno
import logging
import re
import socket
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any

import gunicorn.glogging  # type: ignore[import-untyped]
import gunicorn.http.wsgi  # type: ignore[import-untyped]
import gunicorn.util  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]
from werkzeug.http import HTTP_STATUS_CODES

from app.api.problems import MEDIA_TYPE, Problem, plain_problem, problem_document, unavailable
from app.api.requests import MAX_BODY_BYTES
from app.logs import configure_logging

SERVER_NAME = "taproom"

# For a new connection, and for receiving a whole request.
REQUEST_SECONDS = 10.0
QUEUE_SECONDS = 3.0
# For sending what the kernel does not buffer of a response; the largest has 1.4 MB.
SEND_SECONDS = 60.0
# For a client to close a connection after its last response (RFC 9112, section 9.6).
LINGER_SECONDS = 2.0
# Of a request that is not complete. A load balancer of AWS passes on heads of up to 64 KiB.
MAX_RECEIVED_BYTES = 128 * 1024
# The interval at which the above are checked.
CHECK_SECONDS = 0.25

# A worker pauses for this time for each of its connections before it accepts another, so that a worker with fewer
# connections is faster. A load balancer keeps its connections, and without this one worker sometimes got all of them.
PAUSE_SECONDS = 0.00005
MAX_PAUSES = 10

# These probes are answered even under overload: a replaced task would make it worse.
_ALWAYS_ANSWERED = frozenset({"/livez", "/startupz"})

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,20})[ \t]*\r\n")
# The limit of one call (IOV_MAX).
_MAX_PARTS = 1024

_TOO_BUSY = unavailable("too-busy", "There are more requests than can be answered right now. Please try again.")

_log = logging.getLogger(__name__)


class BoundedWorker(ThreadWorker):  # type: ignore[misc]
    """The worker class that gunicorn runs."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Connections that wait for their client, except for idle ones, which gunicorn has.
        self.waiting: set[TConn] = set()
        self.checked_at = 0.0

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection."""
        time.sleep(min(self.nr_conns, MAX_PAUSES) * PAUSE_SECONDS)
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # another worker was faster, or the client closed the connection
        self.nr_conns += 1
        connection = TConn(self.cfg, _Client(client), address, listener.getsockname())
        connection.data_ready = True  # gunicorn would wait for data
        self._wait(connection, EVENT_READ, self._receive, REQUEST_SECONDS)

    def on_client_socket_readable(self, conn: TConn, client: "_Client") -> None:
        """Continue with an idle connection, whose client has sent something or closed it."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._receive(conn, client)

    def enqueue_req(self, conn: TConn) -> None:
        """Queue a request for a thread."""
        conn.queued_at = time.monotonic()
        super().enqueue_req(conn)

    def handle(self, conn: TConn) -> Any:
        """Handle a request, in a thread; return whether the connection can be reused."""
        is_kept = super().handle(conn)
        conn.sock.flush()
        return is_kept

    def handle_request(self, req: Any, conn: TConn) -> bool:
        """Answer a request, unless that is too late; return whether the connection can be reused."""
        waited_seconds = time.monotonic() - conn.queued_at
        if waited_seconds > QUEUE_SECONDS and req.path not in _ALWAYS_ANSWERED:
            _log.warning("Too busy", extra={"fields": {"waited_ms": round(waited_seconds * 1000)}})
            write_problem(conn.sock, _TOO_BUSY)
            return False
        return bool(super().handle_request(req, conn))

    def finish_request(self, conn: TConn, fs: Any) -> None:
        """Continue with a connection after its request has been handled, with the future ``fs``."""
        if fs.cancelled() or fs.exception():
            self._close(conn)
        elif conn.sock.unsent:
            self._wait(conn, EVENT_WRITE, partial(self._send, handled=fs), SEND_SECONDS)
        elif not fs.result():
            self._linger(conn)
        elif conn.sock.put_back(conn.parser.unreader.take_buffered()):
            self._receive(conn, conn.sock)
        else:
            super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """End the waits that have taken too long."""
        now = time.monotonic()
        if now < self.checked_at + CHECK_SECONDS:
            return
        self.checked_at = now
        for conn in [conn for conn in self.waiting if conn.timeout <= now]:
            if conn.waits_for == self._receive and conn.sock.received:
                self._proceed(conn)
                detail = f"A request must arrive within {REQUEST_SECONDS:g} seconds."
                write_problem(conn.sock, plain_problem(HTTPStatus.REQUEST_TIMEOUT, detail))
                self._linger(conn)
            else:
                self._close(conn)

    def _wait(self, conn: TConn, event: int, callback: Callable[[TConn, "_Client"], None], seconds: float) -> None:
        conn.timeout, conn.waits_for = time.monotonic() + seconds, callback
        self.waiting.add(conn)
        self.poller.register(conn.sock, event, partial(callback, conn))

    def _proceed(self, conn: TConn) -> None:
        if conn in self.waiting:
            self.waiting.remove(conn)
            self.poller.unregister(conn.sock)

    def _receive(self, conn: TConn, client: "_Client") -> None:
        is_open = client.receive()
        if client.has_request():
            self._proceed(conn)
            self.enqueue_req(conn)
        elif not is_open or len(client.received) > MAX_RECEIVED_BYTES:
            self._close(conn)
        elif conn not in self.waiting:
            self._wait(conn, EVENT_READ, self._receive, REQUEST_SECONDS)

    def _send(self, conn: TConn, client: "_Client", *, handled: Any) -> None:
        client.flush()
        if not client.unsent:
            self._proceed(conn)
            self.finish_request(conn, handled)

    def _linger(self, conn: TConn) -> None:
        conn.sock.flush()
        conn.sock.received.clear()
        with contextlib.suppress(OSError):
            conn.sock.shutdown(socket.SHUT_WR)
        self._wait(conn, EVENT_READ, self._discard, LINGER_SECONDS)

    def _discard(self, conn: TConn, client: "_Client") -> None:
        if not client.receive() or len(client.received) > MAX_RECEIVED_BYTES:
            self._close(conn)

    def _close(self, conn: TConn) -> None:
        self._proceed(conn)
        self.nr_conns -= 1
        conn.close()


class _Client(socket.socket):
    """A client's socket on which no call waits: reads return what has been received, and writes are collected."""

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())
        super().settimeout(0)
        self.received = bytearray()
        self.unsent: list[bytes | memoryview] = []
        self.has_sent_continue = False

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - socket's
        """Do nothing."""

    def settimeout(self, value: float | None) -> None:
        """Do nothing."""

    def receive(self) -> bool:
        """Receive what has arrived; return whether the client can send more."""
        try:
            arrived = super().recv(65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.received += arrived
        return bool(arrived)

    def has_request(self) -> bool:
        """Return whether a request has been received as a whole, or as far as it takes to refuse it."""
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return False
        head, body_bytes = bytes(self.received[: end + 2]).lower(), len(self.received) - end - 4
        if b"\r\ntransfer-encoding:" in head:
            # Trailers are not supported: no client is known to send any.
            is_complete = self.received.endswith(b"0\r\n\r\n") or body_bytes > 2 * MAX_BODY_BYTES
        else:
            length = _LENGTH.search(head)
            is_complete = length is None or int(length[1]) > MAX_BODY_BYTES or body_bytes >= int(length[1])
        if not (is_complete or self.has_sent_continue) and b"\r\nexpect:" in head:
            self.has_sent_continue = True
            self.sendall(_CONTINUE)
            self.flush()
        return is_complete

    def put_back(self, unread: bytes) -> bool:
        """Put back what has been read of the next request; return whether any of it has been received."""
        self.received[:0] = unread
        self.has_sent_continue = False
        return bool(self.received)

    def recv(self, size: int, _flags: int = 0) -> bytes:
        """Return what has been received.

        Raises:
            TimeoutError: There is no more. gunicorn handles this code as a client that has disconnected.
        """
        if not self.received:
            raise TimeoutError(errno.ECONNRESET, "The request has not been received as a whole")
        data = bytes(self.received[:size])
        del self.received[:size]
        return data

    def send(self, data: Any, _flags: int = 0) -> int:
        """Do nothing: gunicorn calls this only to tell a client to continue, which has been done."""
        return len(data)

    def sendall(self, data: Any, _flags: int = 0) -> None:
        """Collect ``data``, so that a response is sent at once."""
        self.unsent.append(data)

    def flush(self) -> None:
        """Send as much as possible without waiting; forget what a client that has disconnected cannot receive."""
        try:
            while self.unsent:
                sent = self.sendmsg(self.unsent[:_MAX_PARTS])
                while self.unsent and sent >= len(self.unsent[0]):
                    sent -= len(self.unsent.pop(0))
                if sent:
                    self.unsent[0] = memoryview(self.unsent[0])[sent:]
        except BlockingIOError:
            return
        except OSError:
            self.unsent.clear()


class JsonLogger(gunicorn.glogging.Logger):  # type: ignore[misc]
    """Writes gunicorn's messages as JSON, through the same handler as the application's."""

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log a warning, but not gunicorn's with the client's address and a part of its request."""
        super().warning("Invalid request" if msg.startswith("Invalid request from") else msg, *args, **kwargs)

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
    client.sendall("\r\n".join([*lines, "", ""]).encode("ascii") + body)


def _write_error(client: socket.socket, status: int, reason: str, message: str) -> None:  # noqa: ARG001 - gunicorn's
    """Answer a request that cannot be parsed, without repeating any of it."""
    write_problem(client, plain_problem(HTTPStatus(status), "This request cannot be parsed."))
