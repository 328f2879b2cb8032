"""Two questions that are easily confused: is this process alive, and can it do its work?

``/livez`` asks the process alone. A database that is away must not get healthy processes killed. ``/readyz`` asks for
the database and its tables, and is what the load balancer goes by.
"""

from http import HTTPStatus

from flask import Blueprint
from sqlalchemy import text

from app.database import Database, DatabaseUnavailableError
from app.migrate import known_revisions
from app.problems import Problem, database_unavailable, log_database_unavailable

_REVISION = text("SELECT version_num FROM beers.alembic_version")


def health_blueprint(database: Database) -> Blueprint:
    """``/livez`` and ``/readyz``."""
    blueprint = Blueprint("health", __name__)
    revisions = known_revisions()

    @blueprint.get("/livez")
    def live() -> dict[str, str]:
        """This process answers."""
        return {"status": "ok"}

    @blueprint.get("/readyz")
    def ready() -> dict[str, str]:
        """The database answers and has every migration that this version of the service needs."""
        try:
            with database.connection() as connection:
                found = connection.execute(_REVISION).scalar_one_or_none()
        except DatabaseUnavailableError as error:
            log_database_unavailable(error)
            raise database_unavailable(error.reason) from error
        # A revision that is not known here was made by a newer version, which is being rolled out. Migrations only
        # ever add to what the version before needs, and this process must go on serving until it is replaced.
        if found is None or found in revisions[:-1]:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "migrations-pending",
                f"The database is at migration {found or 'none'}, this version needs {revisions[-1]}. "
                "Run `python -m app migrate`.",
            )
        return {"status": "ok", "revision": found}

    return blueprint
