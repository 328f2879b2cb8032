"""Fixtures: the service's roles, its tables, and the service."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.database.pool import Database
from app.settings import Settings
from devtools.postgres.cluster import Cluster
from tests.support.catalogue_database import CatalogueDatabase, migrated_catalogue
from tests.support.database import Database as ThrowawayDatabase
from tests.support.served import Served, serving


@pytest.fixture
def bare(database: ThrowawayDatabase) -> CatalogueDatabase:
    """A database with schema and roles as the access document declares them, and no tables."""
    return CatalogueDatabase(database)


@pytest.fixture(scope="module")
def migrated(postgres: Cluster) -> Iterator[CatalogueDatabase]:
    """The same with tables, for all tests of a module: to make one takes longer than most tests do."""
    with migrated_catalogue(postgres) as migrated:
        yield migrated


@pytest.fixture
def catalogue(migrated: CatalogueDatabase) -> CatalogueDatabase:
    """A migrated database without any beer."""
    migrated.empty()
    return migrated


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
def service_on_bare(bare: CatalogueDatabase, create: Callable[[Settings], Flask]) -> Flask:
    """The service on a database without tables."""
    return create(bare.settings(bare.app))


@pytest.fixture
def served(catalogue: CatalogueDatabase, tmp_path: Path) -> Iterator[Served]:
    """The same as a process."""
    with serving(tmp_path, DATABASE_URL=catalogue.url(catalogue.app)) as served:
        yield served


@pytest.fixture
def client(service: Flask) -> FlaskClient:
    """A caller of ``service``."""
    return service.test_client()
