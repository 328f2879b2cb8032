"""A plain HTTP client for JSON."""

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answer:
    """A status, the headers by lower-case name, and the body as JSON."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Client:
    """Talks to one address.

    Attributes:
        url: the address.
        token: a bearer token; empty for none.
        ca_file: the certificate authority to trust over TLS; the system's if None.
    """

    url: str
    token: str = ""
    ca_file: Path | None = None

    def request(self, method: str, path: str, body: object = None, data: bytes | None = None) -> Answer:
        """Send a body, as JSON or as it is; an answer with an error status is an answer too."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=json.dumps(body).encode() if body is not None else data,
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60, context=self._tls()) as answer:
                return Answer(answer.status, _lower(answer.headers), json.load(answer))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _lower(error.headers), json.load(error))

    def _tls(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=str(self.ca_file)) if self.ca_file else None

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def post(self, path: str, body: object = None) -> Answer:
        return self.request("POST", path, body, data=b"" if body is None else None)


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
