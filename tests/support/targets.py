"""Tiny HTTP servers to stand behind a load balancer: they say who they are and what they were asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.http_servers import serving_in_thread


class Target(ThreadingHTTPServer):
    """A server in a thread.

    ``GET /health`` answers ``health_status``; ``/slow`` answers after ``delay_seconds``, or once ``wake`` is set;
    ``/fail`` answers 500; anything else is answered with the target's name and the size of the body.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.name = name
        self.health_status = 200
        self.delay_seconds = 1.0
        self.answered = 0
        self.wake = threading.Event()
        self.lock = threading.Lock()

    @property
    def port(self) -> int:
        """Return where it listens."""
        return int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a load balancer that went away."""


@contextmanager
def running_target(name: str) -> Iterator[Target]:
    """A target that answers until the end."""
    target = Target(name)
    with serving_in_thread(target):
        yield target
        target.wake.set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Target

    def do_GET(self) -> None:
        target = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) + self._chunks()
        if self.path == "/health":
            self._reply(target.health_status, b"{}")
            return
        if self.path == "/fail":
            self._reply(500, b"{}")
            return
        if self.path == "/slow":
            target.wake.wait(target.delay_seconds)
        with target.lock:
            target.answered += 1
        answer = {"target": target.name, "body_bytes": len(body)}
        self._reply(201 if self.command == "POST" else 200, json.dumps(answer).encode())

    do_POST = do_GET  # noqa: N815 - http.server's name

    def log_message(self, *_arguments: Any) -> None:
        pass

    def _chunks(self) -> bytes:
        body = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        return body

    def _reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
