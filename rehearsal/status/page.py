"""The page over HTTP: static files and one document that the page polls.

It listens on 127.0.0.1, answers GET only, and only to its own Host header: a page of another site whose name resolves
to 127.0.0.1 (DNS rebinding) is refused.
"""

import http
import socket
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from localaws.http.call import Answer, json_answer
from localaws.http.listening import ListeningServer
from localaws.settings import Context
from rehearsal.run import Run
from rehearsal.status import snapshot
from rehearsal.status.events import Events, JournalReader
from rehearsal.status.sources import States, task_by_port

HOST = "127.0.0.1"
THREADS = 4
STOP_SECONDS = 1
# Each open tab polls about once a second; they share a snapshot that is at most this old.
SNAPSHOT_SECONDS = 0.8

_ASSETS = Path(__file__).with_name("assets")
_FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)


class Site:
    """The page's responses.

    Args:
        port: its own.
        state: returns the state of the rehearsal, with the API calls after a number.
    """

    def __init__(self, port: int, state: Callable[[int], dict[str, Any]]) -> None:
        self._hosts = {f"{name}:{port}" for name in (HOST, "localhost")}
        self._state = state

    def answer(self, method: str, host: str, path: str, query: str) -> Answer:
        """Return the response to one request."""
        if host.lower() not in self._hosts:
            return _plain(http.HTTPStatus.MISDIRECTED_REQUEST, "Ask by the address that `make up` printed.")
        if method != "GET":
            return _plain(http.HTTPStatus.METHOD_NOT_ALLOWED, "This page only shows.", ("Allow", "GET"))
        if path == "/state.json":
            after = parse_qs(query).get("after", ["0"])[0]
            answer = json_answer(200, self._state(int(after) if after.isdecimal() else 0))
            return Answer(answer.status, (*answer.headers, *_HEADERS), answer.body)
        if path not in _FILES:
            return _plain(http.HTTPStatus.NOT_FOUND, "There is only one page, at /.")
        name, kind = _FILES[path]
        return Answer(200, (("Content-Type", kind), *_HEADERS), (_ASSETS / name).read_bytes())

    def application(
        self, environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], Any]
    ) -> Iterable[bytes]:
        """Answer a request through WSGI."""
        host, path, query = (environ.get(name, "") for name in ("HTTP_HOST", "PATH_INFO", "QUERY_STRING"))
        answer = self.answer(environ["REQUEST_METHOD"], host, path or "/", query)
        status = http.HTTPStatus(answer.status)
        start_response(f"{status.value} {status.phrase}", [*answer.headers, ("Content-Length", str(len(answer.body)))])
        return [answer.body]


class StatusPage:
    """The page of a running local AWS.

    Args:
        context: of the local AWS.
        listener: the socket to serve.
    """

    def __init__(self, context: Context, listener: socket.socket) -> None:
        self._port: int = listener.getsockname()[1]
        self._settings = context.settings
        self._states = States(context.settings)
        self._events = Events()
        self._journal = JournalReader(context.journal.path, self._events)
        self._lock = threading.Lock()
        self._snapshot: dict[str, Any] = {}
        self._taken_at = float("-inf")
        site = Site(self._port, self._state)
        self._server = ListeningServer(listener, site.application, numthreads=THREADS, shutdown_timeout=STOP_SECONDS)
        self._server.prepare()
        self._thread = threading.Thread(target=self._server.serve, name="status page", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the page. Safe to call twice."""
        self._server.stop()
        self._thread.join()

    def status(self) -> dict[str, Any]:
        """Return the page's address."""
        return {"url": f"http://{HOST}:{self._port}/"}

    def _state(self, after: int) -> dict[str, Any]:
        with self._lock:
            if time.monotonic() - self._taken_at > SNAPSHOT_SECONDS:
                self._snapshot = self._take_snapshot()
                self._taken_at = time.monotonic()
            return {**self._snapshot, "calls": self._events.calls_after(after)}

    def _take_snapshot(self) -> dict[str, Any]:
        self._journal.read_on()
        states, running = self._states.read(), Run(self._settings.run_directory).ask("status")["services"]
        ports = task_by_port(running.get("ecs", {}).get("tasks", []))
        sessions = snapshot.sessions(running.get("rds", {}).values(), ports)
        return {
            "addresses": snapshot.addresses(self._settings.endpoint, running),
            "resources": snapshot.resources(states),
            "tasks": snapshot.tasks(running, sessions),
            "access": snapshot.access(states.values(), sessions),
            "rotations": self._events.rotations(),
        }


def install(context: Context) -> StatusPage:
    """Serve the page of a local AWS on its status socket."""
    if context.status_socket is None:
        raise ValueError("The status page has no port: pass --status-port.")
    return StatusPage(context, context.status_socket)


def _plain(status: http.HTTPStatus, text: str, *headers: tuple[str, str]) -> Answer:
    return Answer(status, (("Content-Type", "text/plain; charset=utf-8"), *headers, *_HEADERS), f"{text}\n".encode())
