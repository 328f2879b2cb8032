"""The beer catalogue: a web service on top of PostgreSQL."""

from flask import Flask

from app.beers import beers_blueprint
from app.catalogue import Catalogue
from app.database import open_database
from app.health import health_blueprint
from app.logs import log_requests
from app.problems import register_problem_handlers
from app.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """The service, configured by ``settings`` or else by the environment. Connects when the first request needs it.

    Raises:
        SettingsError: the configuration is of no use.
        CredentialError: the injected secret is of no use.
    """
    settings = settings or Settings.from_environment()
    app = Flask(__name__, static_folder=None)
    # Werkzeug would answer //beers with an HTML redirect; it is simply not a route.
    app.url_map.merge_slashes = False
    database = open_database(settings)
    app.extensions["database"] = database
    log_requests(app)
    register_problem_handlers(app)
    app.register_blueprint(beers_blueprint(Catalogue(database)))
    app.register_blueprint(health_blueprint(database))
    return app
