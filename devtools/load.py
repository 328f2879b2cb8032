"""Load on a service: reads and writes from several connections at once, each answer counted."""

import http.client
import itertools
import json
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Self

REQUESTS_A_POST = 3
TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Sent:
    """One request and what became of it.

    Attributes:
        ended_at: ``time.monotonic()``.
        seconds: until the whole answer was there, or none came.
        outcome: the status, or what was raised instead.
    """

    method: str
    ended_at: float
    seconds: float
    outcome: int | str

    @property
    def failed(self) -> bool:
        """Return True if there was no answer or not a success."""
        return self.outcome not in (HTTPStatus.OK, HTTPStatus.CREATED)

    def __str__(self) -> str:
        outcome = f"status {self.outcome}" if isinstance(self.outcome, int) else self.outcome
        return f"{self.method} /beers after {self.seconds:.2f} s: {outcome}"


class Load:
    """A mixture of GET and POST for as long as the block lasts.

    Each connection is kept alive, and waits for an answer before it sends the next request.

    Args:
        addresses: ``HOST:PORT`` of the service or of several; the connections take turns.
        connections: their number.
        token: what adding a beer takes, if it takes one.
        pause_seconds: before each request.
        is_secure: whether to use HTTPS.

    Attributes:
        sent: every request so far.
        added: the names of the beers for which the service answered 201.
        name: how the names of its beers begin.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        connections: int,
        token: str | None = None,
        pause_seconds: float = 0,
        *,
        is_secure: bool = False,
    ) -> None:
        self.sent: list[Sent] = []
        self.added: list[str] = []
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._pause_seconds = pause_seconds
        self._connection = http.client.HTTPSConnection if is_secure else http.client.HTTPConnection
        self.name = f"Load {uuid.uuid4().hex[:8]} "
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(number, addresses[number % len(addresses)]), daemon=True)
            for number in range(connections)
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

    @property
    def requests(self) -> int:
        """Return how many requests were answered, or failed."""
        return len(self.sent)

    @property
    def failures(self) -> list[Sent]:
        """The requests that failed."""
        return [sent for sent in self.sent.copy() if sent.failed]

    def wait_for(self, requests: int, seconds: float = 300) -> None:
        """Wait until there have been so many requests.

        Raises:
            TimeoutError: they take too long.
        """
        deadline = time.monotonic() + seconds
        while self.requests < requests:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.requests} of {requests} requests in {seconds} s")
            time.sleep(0.02)

    def _ask(self, number: int, address: str) -> None:
        connection = self._connection(address, timeout=TIMEOUT_SECONDS)
        for turn in itertools.count():
            if self._stopping.wait(self._pause_seconds):
                break
            name = f"{self.name}{number} {turn}" if turn % REQUESTS_A_POST == 0 else None
            started_at = time.monotonic()
            try:
                outcome: int | str = self._request(connection, name)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                outcome = f"{type(error).__name__}: {error}"
            ended_at = time.monotonic()
            if name and outcome == HTTPStatus.CREATED:
                self.added.append(name)
            self.sent.append(Sent("POST" if name else "GET", ended_at, ended_at - started_at, outcome))
        connection.close()

    def _request(self, connection: http.client.HTTPConnection, name: str | None) -> int | str:
        if name:
            body = json.dumps({"name": name, "style": "Load", "abv": 4.2})
            connection.request("POST", "/beers", body, self._headers)
        else:
            connection.request("GET", "/beers?limit=5")
        with connection.getresponse() as answer:
            answer.read()
            # The service's own 503 says when to retry; a load balancer's does not.
            if answer.status == HTTPStatus.SERVICE_UNAVAILABLE and "Retry-After" not in answer.headers:
                return "503 without Retry-After"
            return answer.status
