"""Requests from many connections at once, each one counted."""

import http.client
import itertools
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

REQUEST_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Sent:
    """One request and what became of it.

    Attributes:
        ended_at: ``time.monotonic()``.
        outcome: the status, or what was raised instead.
    """

    method: str
    ended_at: float
    seconds: float
    outcome: int | str

    @property
    def failed(self) -> bool:
        """Whether whoever sent it would complain."""
        return self.outcome not in (200, 201)


@dataclass
class Load:
    """A mixture of GET and POST from so many connections that are kept alive, until it is stopped.

    Attributes:
        ports: of services on this machine; the connections take turns.
        connections: their number; each waits for an answer before it sends the next request.
        sent: every request so far.
        added: the names of the beers whose POST was answered with 201.
    """

    ports: Sequence[int]
    connections: int = 32
    sent: list[Sent] = field(default_factory=list)
    added: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(self.connections)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, requests: int, seconds: float = 300) -> None:
        """Wait until so many requests have been answered.

        Raises:
            AssertionError: they take too long.
        """
        deadline = time.monotonic() + seconds
        while len(self.sent) < requests:
            assert time.monotonic() < deadline, f"{len(self.sent)} of {requests} requests in {seconds} s"
            time.sleep(0.02)

    @property
    def failures(self) -> list[Sent]:
        """The requests that failed."""
        return [sent for sent in list(self.sent) if sent.failed]

    def _send(self, number: int) -> None:
        port = self.ports[number % len(self.ports)]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=REQUEST_TIMEOUT_SECONDS)
        for turn in itertools.count():
            if self._stopped.is_set():
                connection.close()
                return
            name = f"beer {number}-{turn}" if turn % 3 == 0 else None
            started_at = time.monotonic()
            try:
                outcome: int | str = self._ask(connection, name)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                outcome = repr(error)
            ended_at = time.monotonic()
            if name and outcome == 201:
                self.added.append(name)
            self.sent.append(Sent("POST" if name else "GET", ended_at, ended_at - started_at, outcome))

    @staticmethod
    def _ask(connection: http.client.HTTPConnection, name: str | None) -> int:
        if name:
            body = json.dumps({"name": name, "style": "Ale", "abv": 5})
            connection.request("POST", "/beers", body, {"Content-Type": "application/json"})
        else:
            connection.request("GET", "/beers?limit=5")
        answer = connection.getresponse()
        answer.read()
        return answer.status
