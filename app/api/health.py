"""Liveness, startup and readiness.

- ``/livez``: this process serves. The container's health check.
- ``/startupz``: a process of this task has once found the database with its tables. It stays 200 from then on, because
  an outage of the database, which all tasks share, must not get every task replaced. The load balancer's health check.
- ``/readyz``: the database is available now, and has the required tables. For people and monitoring.
"""

import mmap
from http import HTTPStatus
from typing import Literal

from flask import Blueprint, Response, current_app
from pydantic import BaseModel

from app.api.operations import Operation, Success, json_response, serve
from app.api.problems import Problem, database_unavailable, log_database_unavailable
from app.database.catalogue import COLUMNS
from app.database.migrate import known_revisions
from app.database.pool import Database, DatabaseUnavailableError

STARTUP_LATCH = "startup_latch"


class Life(BaseModel):
    """The process is alive."""

    status: Literal["ok"]


class Startup(BaseModel):
    """The database has been available, with the required tables."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """The database is available and has the required tables."""

    status: Literal["ok"]
    revision: str


LIVE = Operation("live", "GET", "/livez", "Liveness", Success("The process is alive.", Life), tag="Health")
STARTED = Operation(
    name="started",
    method="GET",
    rule="/startupz",
    summary="Startup",
    tag="Health",
    success=Success("The database has been available since this task started, with the required migrations.", Startup),
    problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
)
READY = Operation(
    name="ready",
    method="GET",
    rule="/readyz",
    summary="Readiness",
    tag="Health",
    success=Success("The database is available and has the migrations that this version needs.", Readiness),
    problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
)
OPERATIONS = (LIVE, STARTED, READY)

# Fails if a newer version has removed a table or a column that this version needs.
_REVISION = f"""
    SELECT version_num FROM beers.alembic_version
    LEFT JOIN (SELECT {COLUMNS} FROM beers.beers LIMIT 0) AS needed ON true
"""  # noqa: S608 - the columns are a constant


class Latch:
    """A flag that stays set. Processes forked after its creation share it."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 1)

    @property
    def is_set(self) -> bool:
        """Whether any of the processes has set it."""
        return self._memory[0] == 1

    def set(self) -> None:
        """Set it in all of the processes."""
        self._memory[0] = 1


def health_blueprint(database: Database) -> Blueprint:
    """Return the routes; the app must have a ``Latch`` as its extension ``STARTUP_LATCH``."""
    blueprint = Blueprint("health", __name__)
    revisions = known_revisions()

    def live() -> Response:
        return json_response(Life(status="ok").model_dump_json())

    def started() -> Response:
        latch: Latch = current_app.extensions[STARTUP_LATCH]
        if not latch.is_set:
            revision_of_tables()
            latch.set()
        return json_response(Startup(status="ok").model_dump_json())

    def ready() -> Response:
        return json_response(Readiness(status="ok", revision=revision_of_tables()).model_dump_json())

    def revision_of_tables() -> str:
        """Return the database's migration, or raise the problem that makes it unusable."""
        try:
            rows = database.read(_REVISION, {})
        except DatabaseUnavailableError as error:
            log_database_unavailable(error)
            raise database_unavailable("The database is unavailable; the log has the reason.") from error
        revision: str | None = rows[0][0] if rows else None
        # An unknown revision comes from a newer version that is being rolled out. Its migrations keep what this version
        # needs, and this process must serve until it is replaced.
        if revision is None or revision in revisions[:-1]:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "migrations-pending",
                f"The database is at migration {revision or 'none'}, this version needs {revisions[-1]}. "
                "Run `python -m app migrate`.",
            )
        return revision

    serve(blueprint, LIVE, live)
    serve(blueprint, STARTED, started)
    serve(blueprint, READY, ready)
    return blueprint
