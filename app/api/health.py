"""Two questions that are easily confused: is this process alive, and can it do its work?

``/livez`` asks the process alone. A database that is away must not get healthy processes killed. ``/readyz`` asks for
the database and its tables, and is what the load balancer goes by.
"""

from http import HTTPStatus
from typing import Literal

from flask import Blueprint, Response
from pydantic import BaseModel

from app.api.operations import Answer, Operation, json_response, serve
from app.api.problems import Problem, database_unavailable, log_database_unavailable
from app.api.write_token import OpenGuard
from app.database.catalogue import COLUMNS
from app.database.migrate import known_revisions
from app.database.pool import Database, DatabaseUnavailableError


class Life(BaseModel):
    """The process answers."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """The database answers, with the tables that are needed."""

    status: Literal["ok"]
    revision: str


LIVE = Operation("live", "GET", "/livez", "Is this process alive?", Answer("It is.", Life), tag="Health")
READY = Operation(
    name="ready",
    method="GET",
    rule="/readyz",
    summary="Can it do its work?",
    tag="Health",
    answer=Answer("It can: the database answers, and its migrations are those that this version needs.", Readiness),
    problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
)
OPERATIONS = (LIVE, READY)

# Fails where a newer version has removed a table or a column that this version needs.
_REVISION = f"""
    SELECT version_num FROM beers.alembic_version
    LEFT JOIN (SELECT {COLUMNS} FROM beers.beers LIMIT 0) AS needed ON true
"""  # noqa: S608 - the columns are a constant


def health_blueprint(database: Database) -> Blueprint:
    """``/livez`` and ``/readyz``."""
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
        found = rows[0][0] if rows else None
        # A revision that is not known here was made by a newer version, which is being rolled out. Migrations only
        # ever add to what the version before needs, and this process must go on serving until it is replaced.
        if found is None or found in revisions[:-1]:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "migrations-pending",
                f"The database is at migration {found or 'none'}, this version needs {revisions[-1]}. "
                "Run `python -m app migrate`.",
            )
        return json_response(Readiness(status="ok", revision=found).model_dump_json())

    serve(blueprint, LIVE, live, OpenGuard())
    serve(blueprint, READY, ready, OpenGuard())
    return blueprint
