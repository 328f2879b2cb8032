"""Fixtures that several rooms share: real PostgreSQL servers, shaped like those of RDS."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.certificates import create_authority
from rehearsal.postgres import Cluster
from rehearsal.postgres_programs import Binaries, servers_by_major
from rehearsal.processes import ProcessRegister
from tests.support.database import Database

# What would leak is looked for in the log and in pg_stat_statements, so both see everything.
_SERVER_SETTINGS = {"log_statement": "all", "shared_preload_libraries": "pg_stat_statements"}


_SERVERS = [pytest.param(server, id=f"PostgreSQL {server.major}") for server in servers_by_major()]
_NO_SERVER = pytest.param(
    None, id="no PostgreSQL", marks=pytest.mark.skip("no PostgreSQL server runs here: make setup")
)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Nothing is skipped where every part must be proven."""
    if report.skipped and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"skipped although CI is set: {report.longrepr}"


@pytest.fixture(scope="session", params=_SERVERS or [_NO_SERVER])
def postgres(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server for the whole session, once for each major version that this machine has."""
    yield from running_cluster(request.param, tmp_path_factory.mktemp("postgresql"))


@pytest.fixture
def database(postgres: Cluster) -> Iterator[Database]:
    """A database of its own for one test, owned by a fresh master that is no superuser."""
    database = Database(postgres, f"test_{secrets.token_hex(4)}")
    yield database
    database.drop()


def running_cluster(binaries: Binaries, directory: Path) -> Iterator[Cluster]:
    """A running server, stopped at the end."""
    cluster = Cluster(
        binaries,
        create_authority(directory / "authority"),
        processes=ProcessRegister(directory / "processes.jsonl"),
        log=directory / "postgresql.log",
        settings=_SERVER_SETTINGS,
    )
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
