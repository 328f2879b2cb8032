"""Liveness and readiness.

``/livez`` checks only the process: an unavailable database must not get healthy processes killed. ``/readyz`` also
checks the database and its tables; the load balancer uses it.
"""

from http import HTTPStatus
from typing import Literal

from flask import Blueprint, Response
from pydantic import BaseModel

from app.api.operations import Operation, Success, json_response, serve
from app.api.problems import Problem, database_unavailable, log_database_unavailable
from app.api.write_token import OpenGuard
from app.database.catalogue import COLUMNS
from app.database.migrate import known_revisions
from app.database.pool import Database, DatabaseUnavailableError


class Life(BaseModel):
    """The process is alive."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """The database is available and has the required tables."""

    status: Literal["ok"]
    revision: str


LIVE = Operation("live", "GET", "/livez", "Liveness", Success("The process is alive.", Life), tag="Health")
READY = Operation(
    name="ready",
    method="GET",
    rule="/readyz",
    summary="Readiness",
    tag="Health",
    success=Success("The database is available and has the migrations that this version needs.", Readiness),
    problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
)
OPERATIONS = (LIVE, READY)

# Fails if a newer version has removed a table or a column that this version needs.
_REVISION = f"""
    SELECT version_num FROM beers.alembic_version
    LEFT JOIN (SELECT {COLUMNS} FROM beers.beers LIMIT 0) AS needed ON true
"""  # noqa: S608 - the columns are a constant


def health_blueprint(database: Database) -> Blueprint:
    """Return the routes ``/livez`` and ``/readyz``."""
    blueprint = Blueprint("health", __name__)
    revisions = known_revisions()

    def live() -> Response:
        return json_response(Life(status="ok").model_dump_json())

    def ready() -> Response:
        try:
            rows = database.read(_REVISION, {})
        except DatabaseUnavailableError as error:
            log_database_unavailable(error)
            raise database_unavailable(error.reason) from error
        revision = rows[0][0] if rows else None
        # An unknown revision comes from a newer version that is being rolled out. Its migrations keep what this version
        # needs, and this process must serve until it is replaced.
        if revision is None or revision in revisions[:-1]:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "migrations-pending",
                f"The database is at migration {revision or 'none'}, this version needs {revisions[-1]}. "
                "Run `python -m app migrate`.",
            )
        return json_response(Readiness(status="ok", revision=revision).model_dump_json())

    serve(blueprint, LIVE, live, OpenGuard())
    serve(blueprint, READY, ready, OpenGuard())
    return blueprint
