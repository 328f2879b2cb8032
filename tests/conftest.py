"""Fixtures that several rooms share: real PostgreSQL servers, shaped like those of RDS."""

import os
import re
import secrets
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from devtools.postgres.binaries import Binaries, servers_by_major
from devtools.postgres.cluster import Cluster
from tests.support.database import Database, running_cluster

# Both sides of what PostgreSQL 16 changed about memberships, and the newest. `make test-postgresql` names all five.
_MAJORS = [int(major) for major in os.environ.get("POSTGRESQL_MAJORS", "15 17 18").split()]
_HERE = {server.major: server for server in servers_by_major()}
_FOUND = [major for major in _MAJORS if major in _HERE]
_SERVERS = [pytest.param(_HERE[major], id=f"PostgreSQL {major}") for major in _FOUND or _HERE]
_MISSING = [
    pytest.param(None, id=f"PostgreSQL {major}", marks=pytest.mark.skip(f"PostgreSQL {major} is not here: make test"))
    for major in _MAJORS
    if major not in _HERE
]


def pytest_configure() -> None:
    """End as on Ctrl-C when somebody ends this process: only then do the fixtures stop their servers."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Say what stays together when tests run in two processes."""
    return Together(config, log)


class Together(LoadScopeScheduling):
    """Tests of a server share it, those of the one deployment share that, all else goes by file.

    Stands in for pytest-xdist's loadgroup, which pytest 9.2 does not heed (pytest-dev/pytest-xdist#1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        if path.startswith("tests/e2e/rehearsal/") and not path.endswith(_REHEARSALS_APART):
            return "rehearsal"
        server = re.search(r"PostgreSQL \d+", nodeid)
        return server[0] if server else path


# They have rehearsals of their own.
_REHEARSALS_APART = ("test_half_done_applies.py", "test_interruptions.py", "test_production.py", "test_release.py")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Nothing is skipped where every part must be proven."""
    if report.skipped and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"skipped although CI is set: {report.longrepr}"


@pytest.fixture(scope="session", params=_SERVERS + _MISSING)
def postgres(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server for the whole session, once for each major version that tests are asked to run on."""
    with running_cluster(request.param, tmp_path_factory.mktemp("postgresql")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def deployed_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server for the whole session, of the version that is deployed; for what does not depend on the version."""
    if not _HERE:
        pytest.skip("no PostgreSQL server runs here: make setup")
    with running_cluster(Binaries.find(), tmp_path_factory.mktemp("postgresql")) as cluster:
        yield cluster


@pytest.fixture
def database(postgres: Cluster) -> Iterator[Database]:
    """A database of its own for one test, owned by a fresh master that is no superuser."""
    database = Database(postgres, f"test_{secrets.token_hex(4)}")
    yield database
    database.drop()
