"""Credentials of database connections, and the sources that they come from.

A credential is one snapshot: user and password never come from two reads of a secret, because a rotation alternates
between two logins, and a mixture of both opens nothing. Nothing here connects to the database.
"""

import logging
import math
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field, ValidationError

from app.aws import SecretError, read_secret

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

# One read serves all connections that open within this time, so a pool that refills after a failover reads once. It
# must stay far below the time between two rotations of the same login.
CACHE_SECONDS = 5.0
# The time that a connection without a working credential waits for one, within the request's deadline.
PATIENCE_SECONDS = 8.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Credential:
    """Everything that opens a connection, from one read.

    Attributes:
        version: If the database refuses a credential, only one of another version is worth trying.
        expires_at: On the monotonic clock.
    """

    host: str
    port: int
    database: str
    username: str
    password: str = field(repr=False)
    version: str = "fixed"
    expires_at: float = math.inf


class _Secret(BaseModel):
    """The fields of a secret."""

    host: str = Field(min_length=1)
    port: int
    dbname: str = Field(min_length=1)
    username: str = Field(min_length=1)
    password: str = Field(min_length=1)


@dataclass(frozen=True)
class _PendingRead:
    """A read in progress, and the future that its callers wait for."""

    started_at: float
    outcome: "Future[Credential]" = field(default_factory=Future)


class CredentialSource:
    """Provides a credential for new connections to any thread.

    It is refreshed in the background, and waited for only if there is none or the database refused it.

    Reads are single-flight: however many threads need one at the same time, one reads and all share the result. Once a
    credential is known, a secret that cannot be read, or only slowly, delays no connection: the last known credential
    is used until the database refuses it. A rotation keeps the replaced credential valid until the next rotation.
    """

    def __init__(self, read: Callable[[], Credential], cache_seconds: float = CACHE_SECONDS) -> None:
        """Create a source on top of ``read``, which may be slow and may raise SecretError."""
        self._read = read
        self._cache_seconds = cache_seconds
        self._lock = Lock()
        self._known: Credential | None = None
        self._pending: _PendingRead | None = None
        self._last_read_at = float("-inf")

    def current(self, deadline: float = math.inf) -> Credential:
        """Return the last known credential; wait only if there is none, or it has expired.

        If it was read more than ``cache_seconds`` ago, start a read in the background for later connections.

        Raises:
            SecretError: There is none, and it cannot be read.
        """
        now = time.monotonic()
        with self._lock:
            known = self._known
            if known is not None and now < known.expires_at:
                if self._pending is None and now - self._last_read_at >= self._cache_seconds:
                    self._start_read()
                return known
            pending = self._pending or self._start_read()
        return self._result(pending, min(deadline, now + PATIENCE_SECONDS))

    def refreshed(self, refused: Credential, deadline: float = math.inf) -> Credential:
        """Return a credential that is newer than ``refused``, or was read after this call.

        Raises:
            SecretError: It cannot be read, or not within PATIENCE_SECONDS or before ``deadline``.
        """
        called_at = time.monotonic()
        while True:
            with self._lock:
                # Another thread may have read the new one already.
                if self._known is not None and self._known.version != refused.version:
                    return self._known
                pending = self._pending or self._start_read()
            credential = self._result(pending, min(deadline, called_at + PATIENCE_SECONDS))
            if credential.version != refused.version or pending.started_at >= called_at:
                return credential

    def _start_read(self) -> _PendingRead:
        """Start a read. The caller holds the lock."""
        pending = _PendingRead(time.monotonic())
        # In a separate thread: if this caller times out, the next one still gets the result.
        Thread(target=self._finish_read, args=(pending,), name="read credential", daemon=True).start()
        self._pending, self._last_read_at = pending, pending.started_at
        return pending

    def _finish_read(self, pending: _PendingRead) -> None:
        try:
            credential = self._read()
        except Exception as error:  # noqa: BLE001 - it is passed to the callers that wait
            # A SecretError contains no secret; of other errors only the class is certain not to.
            cause = str(error) if isinstance(error, SecretError) else type(error).__name__
            _log.warning("Credential cannot be read", extra={"fields": {"cause": cause}})
            with self._lock:
                self._pending = None
            pending.outcome.set_exception(error)
        else:
            with self._lock:
                self._known, self._pending = credential, None
            pending.outcome.set_result(credential)

    def _result(self, pending: _PendingRead, deadline: float = math.inf) -> Credential:
        try:
            return pending.outcome.result(max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            raise SecretError("The credential was not read in time; the read continues.") from None


def read_credential(client: "SecretsManagerClient", arn: str) -> Credential:
    """Return the credential in the current version of the secret ``arn``.

    A rotation moves the label AWSCURRENT to a login only after it has tried that login.

    Raises:
        SecretError: The secret cannot be read, or its value is not a credential.
    """
    text, version = read_secret(client, arn)
    return parse_credential(text, subject=f"Secret {arn}", version=version)


def parse_credential(text: str, *, subject: str, version: str = "fixed") -> Credential:
    """Parse a secret's JSON: ``host``, ``port``, ``dbname``, ``username`` and ``password``.

    Raises:
        SecretError: The text is not such JSON. The message names only ``subject`` and what is missing.
    """
    try:
        secret = _Secret.model_validate_json(text)
    except ValidationError as error:
        wrong = ", ".join(str(detail["loc"][0]) for detail in error.errors() if detail["loc"])
        fault = f"lacks a valid {wrong}" if wrong else "is not a JSON object"
        raise SecretError(
            f"{subject} {fault}. The database's bootstrap function writes host, port, dbname, username and password; "
            "apply Terraform again."
        ) from None  # the cause contains the secret
    return Credential(secret.host, secret.port, secret.dbname, secret.username, secret.password, version)
