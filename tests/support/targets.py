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
    ``/fail`` answers 500; ``/break`` closes the connection; ``/stream`` answers in chunks; anything else is echoed as
    JSON.
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
        """Where it listens."""
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
        if self.path == "/break":
            self.close_connection = True
            return
        if self.path == "/stream":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (b"one ", b"two ", b"three"):
                self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
            return
        if self.path == "/slow":
            target.wake.wait(target.delay_seconds)
        with target.lock:
            target.answered += 1
        echo = {
            "target": target.name,
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body_bytes": len(body),
            "body_start": body[:100].decode(),
        }
        self._reply(201 if self.command == "POST" else 200, json.dumps(echo).encode())

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815 - http.server's names

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
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
