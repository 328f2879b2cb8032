"""Where the user and password of a database connection come from.

A credential is one snapshot: user and password are never taken from two readings of a secret, because a rotation
alternates between two logins and a mixture of both opens nothing. Nothing here knows how to connect.
"""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol

# One reading serves all connections that open within this time, so that a pool which fills itself after a failover
# asks once. It must stay far below the time between two rotations of the same login.
CACHE_SECONDS = 5.0

_log = logging.getLogger(__name__)


class CredentialError(Exception):
    """There is no usable credential; the message says which secret and what to do, never what is in it."""


@dataclass(frozen=True)
class Credential:
    """All that opens a connection, from one reading.

    Attributes:
        version: tells readings apart; two credentials of the same version are the same.
    """

    host: str
    port: int
    database: str
    username: str
    password: str = field(repr=False)
    version: str = "fixed"


class CredentialSource(Protocol):
    """Gives credentials to whoever opens a connection, from any thread."""

    def current(self) -> Credential:
        """The credential to try first, at most a few seconds old."""

    def refreshed(self, refused: Credential) -> Credential:
        """The credential as of now; one of the same version as ``refused`` means that there is no other."""


class FixedSource:
    """Always the same credential."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    def current(self) -> Credential:
        """The one credential."""
        return self._credential

    def refreshed(self, refused: Credential) -> Credential:  # noqa: ARG002 - there is nowhere to look again
        """The same."""
        return self._credential


class RotatingSource:
    """A credential that changes under way: read again after a few seconds, and at once when it is refused.

    However many threads ask at the same time, one reads and all share the answer.
    """

    def __init__(self, read: Callable[[], Credential], cache_seconds: float = CACHE_SECONDS) -> None:
        """Make a source on top of ``read``, which may take its time and raise CredentialError."""
        self._read = read
        self._cache_seconds = cache_seconds
        self._lock = Lock()
        self._credential: Credential | None = None
        self._asked_at = float("-inf")

    def current(self) -> Credential:
        """A credential at most ``cache_seconds`` old, or the last one known while it cannot be read.

        Raises:
            CredentialError: it cannot be read, and never could be.
        """
        with self._lock:
            try:
                return self._read_since(time.monotonic() - self._cache_seconds)
            except CredentialError:
                if self._credential is None:
                    raise
                _log.warning("Credential cannot be read; trying the last one known", exc_info=True)
                return self._credential

    def refreshed(self, refused: Credential) -> Credential:
        """A credential that is newer than ``refused``, or was asked for no earlier than this call.

        Raises:
            CredentialError: it cannot be read.
        """
        called_at = time.monotonic()
        with self._lock:
            # Whoever waited for the lock mostly finds that another thread has read the new one meanwhile.
            if self._credential is not None and self._credential.version != refused.version:
                return self._credential
            return self._read_since(called_at)

    def _read_since(self, moment: float) -> Credential:
        if self._credential is None or self._asked_at < moment:
            asked_at = time.monotonic()
            self._credential = self._read()
            self._asked_at = asked_at
        return self._credential


def parse_secret(text: str, *, subject: str, version: str = "fixed") -> Credential:
    """The credential in a secret's JSON: ``host``, ``port``, ``dbname``, ``username`` and ``password``.

    Raises:
        CredentialError: the text is no such JSON. The message names ``subject`` and what is missing only.
    """
    try:
        found = json.loads(text)
    except ValueError:
        # Without the cause: a JSONDecodeError carries the whole document.
        raise CredentialError(f"{subject} is not JSON. It should hold one object with host, port, ...") from None
    if not isinstance(found, dict):
        raise CredentialError(f"{subject} is JSON, but not an object with host, port, dbname, username, password.")
    texts = {name: found.get(name) for name in ("host", "dbname", "username", "password")}
    wrong = [name for name, value in texts.items() if not isinstance(value, str) or not value]
    port = str(found.get("port", ""))
    if not (port.isascii() and port.isdigit()):
        wrong.append("port")
    if wrong:
        raise CredentialError(
            f"{subject} lacks a usable {', '.join(wrong)}. The database's bootstrap function writes these fields; "
            "apply Terraform again."
        )
    return Credential(
        host=str(texts["host"]),
        port=int(port),
        database=str(texts["dbname"]),
        username=str(texts["username"]),
        password=str(texts["password"]),
        version=version,
    )
