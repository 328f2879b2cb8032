"""The page over HTTP: three files and one document that the page asks for again and again.

It answers on 127.0.0.1 alone, to GET alone, and only when it is asked for by its own address: a page of another site
whose name is made to point here (DNS rebinding) is refused by its Host.
"""

from __future__ import annotations

import http
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from localaws.http.call import Answer, json_answer
from localaws.http.listening import ListeningServer
from localaws.status import picture
from localaws.status.events import Events, JournalReader
from localaws.status.sources import Sources

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Mapping

    from localaws.settings import Context, Room

HOST = "127.0.0.1"
THREADS = 4
STOP_SECONDS = 1
# A tab asks about once a second; however many are open, so often is there a new look.
LOOK_SECONDS = 0.8

_ASSETS = Path(__file__).with_name("assets")
_FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)


class Site:
    """What the page's server answers.

    Args:
        port: its own.
        look: the state of the rehearsal, for a page that has seen the calls up to a number.
    """

    def __init__(self, port: int, look: Callable[[int], dict[str, Any]]) -> None:
        self._hosts = {f"{name}:{port}" for name in (HOST, "localhost")}
        self._look = look

    def answer(self, method: str, host: str, path: str, query: str) -> Answer:
        """The answer to one request."""
        if host.lower() not in self._hosts:
            return _plain(http.HTTPStatus.MISDIRECTED_REQUEST, "Ask by the address that `make up` printed.")
        if method != "GET":
            return _plain(http.HTTPStatus.METHOD_NOT_ALLOWED, "This page only shows.", ("Allow", "GET"))
        if path == "/state.json":
            after = parse_qs(query).get("after", ["0"])[0]
            answer = json_answer(200, self._look(int(after) if after.isdecimal() else 0))
            return Answer(answer.status, (*answer.headers, *_HEADERS), answer.body)
        if path not in _FILES:
            return _plain(http.HTTPStatus.NOT_FOUND, "There is only one page, at /.")
        name, kind = _FILES[path]
        return Answer(200, (("Content-Type", kind), *_HEADERS), (_ASSETS / name).read_bytes())

    def application(
        self, environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], Any]
    ) -> Iterable[bytes]:
        """The same as a WSGI application."""
        answer = self.answer(
            environ["REQUEST_METHOD"],
            environ.get("HTTP_HOST", ""),
            environ.get("PATH_INFO", "/"),
            environ.get("QUERY_STRING", ""),
        )
        status = http.HTTPStatus(answer.status)
        start_response(f"{status.value} {status.phrase}", [*answer.headers, ("Content-Length", str(len(answer.body)))])
        return [answer.body]


class StatusPage:
    """The page of a running local AWS; a room of it like the others.

    Args:
        context: of the local AWS.
        listener: the socket to serve.
        rooms: what runs, by name.
    """

    def __init__(self, context: Context, listener: socket.socket, rooms: Mapping[str, Room]) -> None:
        self._port: int = listener.getsockname()[1]
        self._sources = Sources(context.settings, rooms)
        self._events = Events()
        self._journal = JournalReader(context.journal.path, self._events)
        self._lock = threading.Lock()
        self._seen: dict[str, Any] = {}
        self._seen_at = float("-inf")
        site = Site(self._port, self._look)
        self._server = ListeningServer(listener, site.application, numthreads=THREADS, shutdown_timeout=STOP_SECONDS)
        self._server.prepare()
        self._thread = threading.Thread(target=self._server.serve, name="status page", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the page. Safe to call twice."""
        self._server.stop()
        self._thread.join()
        with self._lock:
            self._sources.close()

    def status(self) -> dict[str, Any]:
        """Where the page is."""
        return {"url": f"http://{HOST}:{self._port}/"}

    def _look(self, after: int) -> dict[str, Any]:
        with self._lock:
            if time.monotonic() - self._seen_at > LOOK_SECONDS:
                self._seen = self._look_anew()
                self._seen_at = time.monotonic()
            return {**self._seen, "calls": self._events.calls_after(after)}

    def _look_anew(self) -> dict[str, Any]:
        self._journal.read_on()
        states, sessions = self._sources.states(), self._sources.sessions()
        return {
            "addresses": self._sources.addresses(),
            "resources": picture.resources(states),
            "tasks": picture.tasks(self._sources.tasks(), sessions),
            "access": picture.access(states.values(), sessions),
            "rotations": self._events.rotations(),
        }


def _plain(status: http.HTTPStatus, text: str, *headers: tuple[str, str]) -> Answer:
    return Answer(status, (("Content-Type", "text/plain; charset=utf-8"), *headers, *_HEADERS), f"{text}\n".encode())
