"""Tiny HTTP servers as a load balancer's targets, which return their name and the request."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.http_servers import Handler, ThreadedServer, serving_in_thread


class Target(ThreadedServer):
    """A server in a thread.

    ``GET /health`` answers ``health_status``; ``/slow`` answers after ``delay_seconds``, or once ``wake`` is set;
    ``/fail`` answers 500; anything else is answered with the target's name and the size of the body.
    """

    def __init__(self, name: str) -> None:
        super().__init__(_Handler)
        self.name = name
        self.health_status = 200
        self.delay_seconds = 1.0
        self.answered = 0
        self.wake = threading.Event()


@contextmanager
def running_target(name: str) -> Iterator[Target]:
    """A target that answers until the end."""
    target = Target(name)
    with serving_in_thread(target):
        yield target
        target.wake.set()


class _Handler(Handler):
    server: Target

    def answer(self) -> None:
        target = self.server
        body = self.body() + self._chunks()
        if self.path == "/health":
            self.reply(target.health_status, b"{}")
            return
        if self.path == "/fail":
            self.reply(500, b"{}")
            return
        if self.path == "/slow":
            target.wake.wait(target.delay_seconds)
        with target.lock:
            target.answered += 1
        answered = {"target": target.name, "body_bytes": len(body)}
        self.reply(201 if self.command == "POST" else 200, json.dumps(answered).encode())

    def _chunks(self) -> bytes:
        body = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        return body
