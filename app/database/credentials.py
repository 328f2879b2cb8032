"""Where the user and password of a database connection come from.

A credential is one snapshot: user and password are never taken from two readings of a secret, because a rotation
alternates between two logins and a mixture of both opens nothing. Nothing here knows how to connect.
"""

import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Protocol

# One reading serves all connections that open within this time, so that a pool which fills itself after a failover
# asks once. It must stay far below the time between two rotations of the same login.
CACHE_SECONDS = 5.0
# How long a connection that has no credential which opens it waits for one. Together with the other waits of a request
# (a place in the pool, two attempts to connect, a statement) it stays below the load balancer's patience.
PATIENCE_SECONDS = 8.0

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
        """The credential to try first."""

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


@dataclass(frozen=True)
class _Reading:
    """One reading that is under way, and whoever waits for it."""

    begun_at: float
    outcome: "Future[Credential]" = field(default_factory=Future)


class RotatingSource:
    """A credential that changes under way: read again in the background, and waited for only when it is refused.

    However many threads ask at the same time, one reads and all share the answer. Once a credential is known, a secret
    that cannot be read, or not soon, holds nobody up: the last one known is given until the database refuses it. A
    rotation leaves the credential that it replaces in force until the rotation after it.
    """

    def __init__(
        self,
        read: Callable[[], Credential],
        cache_seconds: float = CACHE_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Make a source on top of ``read``, which may take its time and raise CredentialError."""
        self._read = read
        self._cache_seconds = cache_seconds
        self._patience_seconds = patience_seconds
        self._lock = Lock()
        self._known: Credential | None = None
        self._reading: _Reading | None = None
        self._asked_at = float("-inf")

    def current(self) -> Credential:
        """The last credential known; only the first is waited for.

        One that was asked for more than ``cache_seconds`` ago is read again, for the connections to come.

        Raises:
            CredentialError: it cannot be read, and never could be.
        """
        now = time.monotonic()
        with self._lock:
            known = self._known
            if known is not None:
                if self._reading is None and now - self._asked_at >= self._cache_seconds:
                    self._begin()
                return known
            reading = self._reading or self._begin()
        return self._answer(reading, now + self._patience_seconds)

    def refreshed(self, refused: Credential) -> Credential:
        """A credential that is newer than ``refused``, or was asked for no earlier than this call.

        Raises:
            CredentialError: it cannot be read, or not within ``patience_seconds``.
        """
        called_at = time.monotonic()
        while True:
            with self._lock:
                # Whoever is refused late finds that another thread has read the new one meanwhile.
                if self._known is not None and self._known.version != refused.version:
                    return self._known
                reading = self._reading or self._begin()
            found = self._answer(reading, called_at + self._patience_seconds)
            if found.version != refused.version or reading.begun_at >= called_at:
                return found

    def _begin(self) -> _Reading:
        """Start a reading; the lock is held."""
        reading = _Reading(time.monotonic())
        # A thread of its own: whoever began it may give up, and the next caller still gets what it brings.
        Thread(target=self._finish, args=(reading,), name="read credential", daemon=True).start()
        self._reading, self._asked_at = reading, reading.begun_at
        return reading

    def _finish(self, reading: _Reading) -> None:
        try:
            found = self._read()
        except Exception as error:  # noqa: BLE001 - it belongs to those who wait
            # CredentialError says nothing secret; of anything else only the class is certain to.
            cause = str(error) if isinstance(error, CredentialError) else type(error).__name__
            with self._lock:
                self._reading = None
                serves = self._known is not None
            if serves:
                _log.warning("Credential cannot be read; the last one known serves", extra={"fields": {"cause": cause}})
            reading.outcome.set_exception(error)
        else:
            with self._lock:
                self._known, self._reading = found, None
            reading.outcome.set_result(found)

    def _answer(self, reading: _Reading, deadline: float) -> Credential:
        try:
            return reading.outcome.result(max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            raise CredentialError(
                f"The credential has not been read within {self._patience_seconds:g} seconds; the reading goes on."
            ) from None


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
