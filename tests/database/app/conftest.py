"""Fixtures for the service: its roles as the bootstrap makes them, its tables, and the service itself."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.database import Database
from app.migrate import migrate
from app.settings import Settings
from tests.database.app.catalogue_database import CatalogueDatabase
from tests.support.database import Database as ThrowawayDatabase


@pytest.fixture
def bare(database: ThrowawayDatabase) -> CatalogueDatabase:
    """A database with schema and roles as the access document declares them, and no tables."""
    return CatalogueDatabase(database)


@pytest.fixture
def catalogue(bare: CatalogueDatabase) -> CatalogueDatabase:
    """The same, migrated."""
    migrate(bare.settings(bare.migrator))
    return bare


@pytest.fixture
def create() -> Iterator[Callable[[Settings], Flask]]:
    """Creates services, and closes their connections at the end."""
    created: list[Flask] = []

    def create(settings: Settings) -> Flask:
        app = create_app(settings)
        created.append(app)
        return app

    yield create
    for app in created:
        database = app.extensions["database"]
        assert isinstance(database, Database)
        database.close()


@pytest.fixture
def service(catalogue: CatalogueDatabase, create: Callable[[Settings], Flask]) -> Flask:
    """The service with its own login on a migrated database."""
    return create(catalogue.settings(catalogue.app))


@pytest.fixture
def client(service: Flask) -> FlaskClient:
    """A caller of ``service``."""
    return service.test_client()
