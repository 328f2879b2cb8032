"""The beer catalogue: a web service on top of PostgreSQL."""

from functools import partial
from multiprocessing import RawValue

from flask import Flask

from app.api.beers import beers_api
from app.api.health import STARTUP_LATCH, health_api
from app.api.openapi import openapi_blueprint, openapi_document
from app.api.problems import register_problem_handlers
from app.api.write_token import TokenGuard, read_tokens
from app.aws import secrets_client
from app.database.catalogue import Catalogue
from app.database.connector import connector_for
from app.database.pool import Database
from app.logs import log_requests
from app.settings import Settings
from app.web.pages import pages_blueprint


def create_app(settings: Settings | None = None) -> Flask:
    """Create the service from ``settings``, by default those of the environment. It connects on the first request.

    Raises:
        SettingsError: The settings are not valid.
        SecretError: The injected secret is not valid.
    """
    settings = settings or Settings.from_environment()
    app = Flask(__name__, static_folder=None, template_folder="web/templates")
    # Werkzeug would answer /beers//1 with an HTML redirect; it should be an unknown route.
    app.url_map.merge_slashes = False
    database = Database(connector_for(settings), settings.database_pool_size, settings.database_pool_recycle_seconds)
    app.extensions["database"] = database
    app.extensions[STARTUP_LATCH] = RawValue("b", 0)
    catalogue = Catalogue(database)
    guard = _guard(settings)
    beers = beers_api(catalogue, guard, seeding_is_allowed=settings.seeding)
    health = health_api(database)
    document = openapi_document(beers, health, version=settings.app_version, requires_token=guard is not None)
    log_requests(app)
    register_problem_handlers(app)
    for blueprint in (
        beers,
        health,
        openapi_blueprint(document),
        pages_blueprint(catalogue, requires_token=guard is not None, seeding_is_allowed=settings.seeding),
    ):
        app.register_blueprint(blueprint)
    return app


def _guard(settings: Settings) -> TokenGuard | None:
    if arn := settings.write_token_secret_arn:
        return TokenGuard(partial(read_tokens, secrets_client(arn, read_timeout_seconds=3), arn))
    return TokenGuard(lambda: (settings.write_token,)) if settings.write_token else None
