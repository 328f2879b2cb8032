"""The service with other ways to come by its credential, as gunicorn starts them; the rest of it is the same.

Each function takes the place of ``app:create_app()``.
"""

from collections.abc import Callable

from flask import Flask

from app import create_app
from app.database import connector
from app.database.credentials import Credential, CredentialSource, FixedSource, RotatingSource


def taproom() -> Flask:
    """As it is."""
    return create_app()


def frozen_at_start() -> Flask:
    """The value as it was when the task started: what ``secrets`` of an ECS task definition gives a container."""
    return _with_source(lambda read: FixedSource(read()))


def read_for_each_connection() -> Flask:
    """The current value whenever a connection opens, and no second look when that is refused."""
    return _with_source(_EachTime)


def cached_for_an_hour() -> Flask:
    """The value as it was at most an hour ago, as the clients of AWS's caches give it, and no second look."""
    return _with_source(lambda read: _NoSecondLook(RotatingSource(read, cache_seconds=3600)))


class _EachTime:
    def __init__(self, read: Callable[[], Credential]) -> None:
        self.current = read

    def refreshed(self, refused: Credential) -> Credential:
        return refused


class _NoSecondLook:
    def __init__(self, source: CredentialSource) -> None:
        self.current = source.current

    def refreshed(self, refused: Credential) -> Credential:
        return refused


def _with_source(make: Callable[[Callable[[], Credential]], CredentialSource]) -> Flask:
    # Where the service would make its own source.
    vars(connector)["RotatingSource"] = make
    return create_app()
