"""What stands in for GitHub's API: it keeps what it is sent, and lists what it is told to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.http_servers import serving_in_thread


@dataclass
class GitHubApi:
    """A server of one test.

    Attributes:
        url: its address.
        known: the entries of every list.
        changes: what was sent that changes something: method, path below the repository, body.
    """

    url: str = ""
    known: list[dict[str, Any]] = field(default_factory=list)
    changes: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)


@contextmanager
def github_api() -> Iterator[GitHubApi]:
    """Serve until the end of the block."""
    api = GitHubApi()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.command != "GET":
                path = self.path.split("/", 4)[4]
                api.changes.append((self.command, path, json.loads(body)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(api.known if self.command == "GET" else {}).encode())

        do_GET = do_POST = do_PATCH = answer  # noqa: N815 - the names that http.server asks for

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.url = f"http://127.0.0.1:{server.server_port}"
    with serving_in_thread(server):
        yield api
