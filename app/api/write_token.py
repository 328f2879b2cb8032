"""Authorize writes by a bearer token, where one is configured.

Two tokens are valid while one replaces the other. They are cached, so that a write does not wait for Secrets Manager. A
token that is neither current nor previous is refused after CACHE_SECONDS and one read. If the secret cannot be read,
the last known tokens stay valid for MAX_STALE_SECONDS; then writes get 503.
"""

import contextlib
import hmac
import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING

from app.api.problems import Problem, unavailable
from app.aws import SecretError, SecretWithoutValueError, read_secret
from app.settings import WRITE_TOKEN

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CACHE_SECONDS = 60.0
MAX_STALE_SECONDS = 900.0
# An unknown token may be newer than the cache. This bounds how often guesses can cause a read.
REREAD_SECONDS = 2.0
# The time that a request waits for a read if it would be refused without it.
_PATIENCE_SECONDS = 8.0

_log = logging.getLogger(__name__)


class TokenGuard:
    """Allows writes that carry one of the valid tokens."""

    def __init__(self, read: Callable[[], tuple[str, ...]]) -> None:
        """Create a guard on top of ``read``, which may be slow and may raise SecretError."""
        self._read = read
        self._read_lock = Lock()
        self._tokens: tuple[str, ...] = ()
        self._read_at = self._confirmed_at = float("-inf")

    def check(self, authorization: str | None) -> None:
        """Return if the header contains a valid token.

        Raises:
            Problem: 401 if it does not, 503 if no token could be read yet.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unauthorized("Send the write token as `Authorization: Bearer TOKEN`.", 'Bearer realm="taproom"')
        # While another thread reads, the known tokens are enough to accept, but not to refuse.
        self._read_if_older_than(CACHE_SECONDS, patience_seconds=0 if self._tokens else _PATIENCE_SECONDS)
        if self._is_valid(token):
            return
        self._read_if_older_than(REREAD_SECONDS, patience_seconds=_PATIENCE_SECONDS)
        if not self._tokens:
            detail = "The write token cannot be checked right now. Please try again."
            raise unavailable("token-unavailable", detail)
        if not self._is_valid(token):
            raise _unauthorized("This write token is not valid.", 'Bearer realm="taproom", error="invalid_token"')

    def _is_valid(self, candidate: str) -> bool:
        # All are compared, each in constant time.
        return any([hmac.compare_digest(candidate.encode(), token.encode()) for token in self._tokens])  # noqa: C419

    def _read_if_older_than(self, age_seconds: float, *, patience_seconds: float) -> None:
        """Read the tokens again, unless another thread is doing so for longer than ``patience_seconds``."""
        if self._age() < age_seconds or not self._read_lock.acquire(timeout=patience_seconds):
            return
        try:
            if self._age() >= age_seconds:
                self._read_now()
        finally:
            self._read_lock.release()

    def _read_now(self) -> None:
        try:
            self._tokens = self._read()
            self._confirmed_at = time.monotonic()
        except SecretError as error:
            _log.warning("Write token cannot be read", extra={"fields": {"cause": str(error)}})
            if time.monotonic() - self._confirmed_at > MAX_STALE_SECONDS:
                self._tokens = ()
        # Only now: until then, a thread that has no token yet must wait for this read.
        self._read_at = time.monotonic()

    def _age(self) -> float:
        return time.monotonic() - self._read_at


def _unauthorized(detail: str, challenge: str) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, "unauthorized", detail, headers={"WWW-Authenticate": challenge})


def read_tokens(client: "SecretsManagerClient", arn: str) -> tuple[str, ...]:
    """Return the valid tokens: the current one, and the previous one if it has been replaced.

    Raises:
        SecretError: The secret cannot be read, or neither version is a bearer token.
    """
    values = {"AWSCURRENT": read_secret(client, arn)[0]}
    with contextlib.suppress(SecretWithoutValueError):
        values["AWSPREVIOUS"] = read_secret(client, arn, "AWSPREVIOUS")[0]
    tokens = {stage: value for stage, value in values.items() if WRITE_TOKEN.fullmatch(value)}
    for stage in values.keys() - tokens.keys():
        _log.warning("Malformed write token ignored", extra={"fields": {"secret": arn, "stage": stage}})
    if not tokens:
        raise SecretError(
            f"Secret {arn} is not a valid bearer token; expected 20 to 200 letters, digits and any of . _ ~ + / -."
        )
    return tuple(tokens.values())
