"""The beer catalogue: a web service on top of PostgreSQL."""

from flask import Flask

from app.api import beers, health
from app.api.documentation import documentation_blueprint
from app.api.openapi import openapi_document
from app.api.problems import register_problem_handlers
from app.api.token_secret import token_reader
from app.api.write_token import Guard, OpenGuard, TokenGuard
from app.database.catalogue import Catalogue
from app.database.pool import open_database
from app.logs import log_requests
from app.settings import FixedToken, SecretReference, Settings
from app.web.html import assets_blueprint
from app.web.pages import page_blueprint


def create_app(settings: Settings | None = None) -> Flask:
    """The service, configured by ``settings`` or else by the environment. Connects when the first request needs it.

    Raises:
        SettingsError: the configuration is of no use.
        CredentialError: the injected secret is of no use.
    """
    settings = settings or Settings.from_environment()
    app = Flask(__name__, static_folder=None, template_folder="web/templates")
    # Werkzeug would answer /beers//1 with an HTML redirect; it is simply not a route.
    app.url_map.merge_slashes = False
    database = open_database(settings)
    app.extensions["database"] = database
    guard = _guard(settings)
    catalogue = Catalogue(database)
    log_requests(app)
    register_problem_handlers(app)
    app.register_blueprint(beers.beers_blueprint(catalogue, guard, seeding_is_allowed=settings.seeding_is_allowed))
    app.register_blueprint(health.health_blueprint(database))
    document = openapi_document(
        (*beers.OPERATIONS, *health.OPERATIONS), version=settings.version, asks_for_token=guard.is_closed
    )
    app.register_blueprint(documentation_blueprint(document))
    app.register_blueprint(assets_blueprint())
    app.register_blueprint(
        page_blueprint(catalogue, asks_for_token=guard.is_closed, seeding_is_allowed=settings.seeding_is_allowed)
    )
    return app


def _guard(settings: Settings) -> Guard:
    match settings.write_token:
        case FixedToken(token):
            return TokenGuard(lambda: (token,))
        case SecretReference(arn):
            return TokenGuard(token_reader(arn))
        case None:
            return OpenGuard()
