"""A faulty local AWS: throttling, slow, wrong or unavailable."""

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from urllib.parse import urlsplit

from tests.support.http_servers import Handler, ThreadedServer, serving_in_thread


class Fault(StrEnum):
    """The fault of every call."""

    NONE = "none"
    THROTTLED = "throttled"
    SLOW = "slow"
    WRONG_JSON = "wrong JSON"
    AWAY = "away"


class FaultyAws(ThreadedServer):
    """Passes calls on to a healthy AWS, unless ``fault`` says otherwise.

    Attributes:
        fault: may be changed at any time.
        slow_seconds: what a call takes while it is ``SLOW``.
        calls: how many there were.
    """

    def __init__(self, endpoint: str, slow_seconds: float = 5.0) -> None:
        super().__init__(_Handler)
        self.behind = urlsplit(endpoint).netloc
        self.fault = Fault.NONE
        self.slow_seconds = slow_seconds
        self.calls = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def faulty_aws(endpoint: str) -> Iterator[FaultyAws]:
    """A faulty way to the AWS at ``endpoint``, without a fault at first."""
    server = FaultyAws(endpoint)
    with serving_in_thread(server):
        yield server


class _Handler(Handler):
    server: FaultyAws

    def answer(self) -> None:
        body = self.body()
        with self.server.lock:
            self.server.calls += 1
        match self.server.fault:
            case Fault.AWAY:
                self.close_connection = True
                return
            case Fault.THROTTLED:
                self._answer(400, {"__type": "ThrottlingException", "message": "Rate exceeded"})
                return
            case Fault.WRONG_JSON:
                wrong = {"ARN": json.loads(body)["SecretId"], "VersionId": "0" * 32, "SecretString": '{"username": 7'}
                self._answer(200, wrong)
                return
            case Fault.SLOW:
                time.sleep(self.server.slow_seconds)
        connection = http.client.HTTPConnection(self.server.behind, timeout=30)
        try:
            connection.request("POST", self.path, body, dict(self.headers))
            response = connection.getresponse()
            self._answer(response.status, response.read())
        finally:
            connection.close()

    def _answer(self, status: int, body: bytes | dict[str, str]) -> None:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.reply(status, text, "application/x-amz-json-1.1")
