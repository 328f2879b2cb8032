"""Liveness, startup and readiness.

- ``/livez``: this process serves. The container's health check.
- ``/startupz``: a process of this task has once found the database with its tables. It stays 200 from then on, because
  an outage of the database, which all tasks share, must not get every task replaced. The load balancer's health check.
- ``/readyz``: the database is available now, and has the required tables. For people and monitoring.
"""

from http import HTTPStatus
from typing import Literal

from flask import Response, current_app
from pydantic import BaseModel, ConfigDict

from app.api.operations import Api, Operation, json_response
from app.api.problems import Problem
from app.database.catalogue import COLUMNS
from app.database.migrate import known_revisions
from app.database.pool import Database

STARTUP_LATCH = "startup_latch"


class Health(BaseModel):
    """The check has passed."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    status: Literal["ok"] = "ok"


class Readiness(Health):
    """The database is available and has the required tables."""

    revision: str


# Fails if a newer version has removed a table or a column that this version needs.
_REVISION = f"""
    SELECT version_num FROM beers.alembic_version
    LEFT JOIN (SELECT {COLUMNS} FROM beers.beers LIMIT 0) AS needed ON true
"""  # noqa: S608 - the columns are a constant


def health_api(database: Database) -> Api:
    """Return the probes; the app's extension ``STARTUP_LATCH`` has a ``value`` that is 0 and becomes 1."""
    api = Api("Health")
    revisions = known_revisions()

    @api.serves(Operation("GET", "/livez", Health))
    def live() -> Response:
        """Liveness."""
        return json_response(Health().model_dump_json())

    @api.serves(Operation("GET", "/startupz", Health))
    def started() -> Response:
        """Startup.

        The database has been available since this task started, with the required migrations.
        """
        latch = current_app.extensions[STARTUP_LATCH]
        if not latch.value:
            revision_of_tables()
            latch.value = 1
        return json_response(Health().model_dump_json())

    @api.serves(Operation("GET", "/readyz", Readiness))
    def ready() -> Response:
        """Readiness.

        The database is available and has the migrations that this version needs.
        """
        return json_response(Readiness(revision=revision_of_tables()).model_dump_json())

    def revision_of_tables() -> str:
        """Return the database's migration, or raise the problem that makes it unusable."""
        rows = database.run(_REVISION, {})
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

    return api
