"""Who may write: whoever shows the bearer token, where one is configured.

Two tokens are good while one replaces the other. They are kept for a while, so that a write does not wait for Secrets
Manager, and the last ones known stay good while they cannot be read again.
"""

import hmac
import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from threading import Lock
from typing import Protocol

from app.api.problems import RETRY_AFTER_SECONDS, Problem

CACHE_SECONDS = 60.0
# A token that is not known may have been made since. Guesses lead to no more than one reading in this time.
LOOK_AGAIN_SECONDS = 2.0
# How long a request waits for a reading without which it would be refused.
_PATIENCE_SECONDS = 8.0

_log = logging.getLogger(__name__)


class TokenError(Exception):
    """The tokens cannot be read; the message says why and what to do, never what is in them."""


class Guard(Protocol):
    """Lets a write pass, or does not."""

    is_closed: bool

    def check(self, authorization: str | None) -> None:
        """Return if the header ``authorization`` allows to write, and raise Problem otherwise."""


class OpenGuard:
    """Lets everybody write: for a service that only this machine can reach."""

    is_closed = False

    def check(self, authorization: str | None) -> None:
        """Return."""


class TokenGuard:
    """Lets those write who show one of the tokens that ``read`` gives."""

    is_closed = True

    def __init__(
        self,
        read: Callable[[], tuple[str, ...]],
        cache_seconds: float = CACHE_SECONDS,
        look_again_seconds: float = LOOK_AGAIN_SECONDS,
    ) -> None:
        """Make a guard on top of ``read``, which may take its time and raise TokenError."""
        self._read = read
        self._cache_seconds = cache_seconds
        self._look_again_seconds = look_again_seconds
        self._reading = Lock()
        self._tokens: tuple[str, ...] = ()
        self._read_at = float("-inf")

    def check(self, authorization: str | None) -> None:
        """Return if the header holds a good token.

        Raises:
            Problem: 401 when it does not, 503 when no token could be read yet.
        """
        kind, _, shown = (authorization or "").partition(" ")
        if kind.lower() != "bearer" or not shown:
            raise _unauthorized("Send the write token as `Authorization: Bearer TOKEN`.", 'Bearer realm="taproom"')
        # While another thread reads, the tokens known are good enough to say yes, but not to say no.
        self._read_if_older_than(self._cache_seconds, patience_seconds=0 if self._tokens else _PATIENCE_SECONDS)
        if self._is_good(shown):
            return
        self._read_if_older_than(self._look_again_seconds, patience_seconds=_PATIENCE_SECONDS)
        if not self._tokens:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "token-unavailable",
                "The write token cannot be checked right now. Please try again.",
                headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
            )
        if not self._is_good(shown):
            raise _unauthorized("This write token is not valid.", 'Bearer realm="taproom", error="invalid_token"')

    def _is_good(self, shown: str) -> bool:
        # Each is compared, and a comparison takes the same time wherever the first difference is.
        matches = [hmac.compare_digest(shown.encode(), token.encode()) for token in self._tokens]
        return any(matches)

    def _read_if_older_than(self, age_seconds: float, *, patience_seconds: float) -> None:
        """Read again, unless another thread is at it and goes on for longer than ``patience_seconds``."""
        if self._age() < age_seconds or not self._reading.acquire(timeout=patience_seconds):
            return
        try:
            if self._age() >= age_seconds:
                self._read_now()
        finally:
            self._reading.release()

    def _read_now(self) -> None:
        try:
            self._tokens = self._read()
        except TokenError as error:
            _log.warning("Write token cannot be read", extra={"fields": {"cause": str(error)}})
        # Not before: whoever has no token to go by is to wait for this reading.
        self._read_at = time.monotonic()

    def _age(self) -> float:
        return time.monotonic() - self._read_at


def _unauthorized(detail: str, challenge: str) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, "unauthorized", detail, headers={"WWW-Authenticate": challenge})
