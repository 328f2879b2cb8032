"""The service with other ways to get its credential; everything else is unchanged.

gunicorn runs each function instead of ``app:create_app()``.
"""

from collections.abc import Callable

from flask import Flask

from app import create_app
from app.database import connector
from app.database.credentials import Credential, CredentialSource, FixedSource, RotatingSource


def taproom() -> Flask:
    """Create the service unchanged."""
    return create_app()


def frozen_at_start() -> Flask:
    """Use the value as of the start of the task, like ``secrets`` of an ECS task definition."""
    return _with_source(lambda read: FixedSource(read()))


def read_for_each_connection() -> Flask:
    """Read the current value for each connection, without a retry if it is refused."""
    return _with_source(_UncachedSource)


def cached_for_an_hour() -> Flask:
    """Cache the value for an hour, like AWS's caching clients, without a retry if it is refused."""
    return _with_source(lambda read: _SourceWithoutRetry(RotatingSource(read, cache_seconds=3600)))


class _UncachedSource:
    def __init__(self, read: Callable[[], Credential]) -> None:
        self.current = read

    def refreshed(self, refused: Credential) -> Credential:
        return refused


class _SourceWithoutRetry:
    def __init__(self, source: CredentialSource) -> None:
        self.current = source.current

    def refreshed(self, refused: Credential) -> Credential:
        return refused


def _with_source(make: Callable[[Callable[[], Credential]], CredentialSource]) -> Flask:
    # Replaces the source that the service would create.
    vars(connector)["RotatingSource"] = make
    return create_app()
