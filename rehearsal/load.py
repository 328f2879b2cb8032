"""A little load on the service, through its load balancer: reads and writes, each answer counted."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType

CLIENTS = 4
PAUSE_SECONDS = 0.02
REQUESTS_A_POST = 5
TIMEOUT_SECONDS = 30
_KEPT_FAILURES = 20


class Load:
    """Clients that ask the service for as long as the block lasts; each has a connection of its own and keeps it.

    Args:
        url: of the service.
        token: what adding a beer takes.
        clients: how many ask at the same time.

    Attributes:
        requests: how many were answered, or failed.
        failed: how many of them failed: no answer, or a status that is no success.
        failures: what was wrong with the first of those.
        added: the names of the beers for which the service answered 201.
    """

    def __init__(self, url: str, token: str, clients: int = CLIENTS) -> None:
        self.requests = 0
        self.failed = 0
        self.failures: list[str] = []
        self.added: list[str] = []
        self._token = token
        self._address = urlsplit(url).netloc
        self._name = f"Load {uuid.uuid4().hex[:8]}"
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(number,), name=f"client {number}", daemon=True)
            for number in range(clients)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(TIMEOUT_SECONDS)

    def _ask(self, client: int) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=TIMEOUT_SECONDS)
        count = 0
        while not self._stopping.wait(PAUSE_SECONDS):
            count += 1
            name = f"{self._name} {client} {count}" if count % REQUESTS_A_POST == 0 else None
            try:
                status = _request(connection, name, self._token)
                failure = None if status in {200, 201} else f"status {status}"
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                failure = f"{type(error).__name__}: {error}"
            self._count(name, failure)
        connection.close()

    def _count(self, name: str | None, failure: str | None) -> None:
        with self._lock:
            self.requests += 1
            if failure is None:
                self.added += [name] if name else []
                return
            self.failed += 1
            if len(self.failures) < _KEPT_FAILURES:
                self.failures.append(f"{time.strftime('%H:%M:%S')} {'POST' if name else 'GET'} /beers: {failure}")


def _request(connection: http.client.HTTPConnection, name: str | None, token: str) -> int:
    if name is None:
        connection.request("GET", "/beers?limit=5")
    else:
        body = json.dumps({"name": name, "style": "Load", "abv": 4.2})
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        connection.request("POST", "/beers", body, headers)
    with connection.getresponse() as answer:
        answer.read()
        return answer.status
