"""Fixtures for all tests: real PostgreSQL servers, shaped like those of RDS."""

import gc
import os
import secrets
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from devtools.postgres.binaries import Binaries, servers_by_major
from devtools.postgres.cluster import Cluster
from tests.support.database import Database, Servers
from tests.support.lanes import LANES, lane
from tests.support.orphans import ended_if_killed

_INSTALLED = {server.major: server for server in servers_by_major()}

_ONE_LOCAL_AWS = "tests/integration/localaws/"

# pytest's option --hypothesis-profile takes one. Only the nightly run tries other examples each time.
for _profile, _examples in {"standard": 25, "nightly": 2000}.items():
    settings.register_profile(
        _profile,
        max_examples=_examples,
        derandomize=_profile != "nightly",
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def pytest_configure() -> None:
    """Forget a developer's AWS, and end as on Ctrl-C when this process is ended: only then do fixtures stop servers.

    A script in the background starts its programs with SIGINT ignored; those that a test interrupts would inherit that.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, signal.default_int_handler)
    gc.disable()


def pytest_collection_finish() -> None:
    """Collect no garbage while tests are imported, a fifth of that time, and never look at what they imported."""
    gc.freeze()
    gc.enable()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """Keep together what shares a deployment, where ``--dist loadscope`` asks for it."""
    return Together(config, log) if config.getoption("dist") == "loadscope" else None


class Together(LoadScopeScheduling):
    """Keep the tests of the one deployment together, those of the image, and of one local AWS; all else goes by file.

    Stands in for pytest-xdist's loadgroup, which pytest 9.2 does not heed (pytest-dev/pytest-xdist#1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return lane(path) or (_ONE_LOCAL_AWS if path.startswith(_ONE_LOCAL_AWS) else path)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with what takes long: the lanes in their order, the files that run Terraform, those of one local AWS.

    Rehearsals mostly wait, so everything else can run in parallel. What is long and starts last would run alone.
    """

    def order(item: pytest.Item) -> int:
        path = item.nodeid.partition("::")[0]
        if name := lane(path):
            return LANES.index(name)
        is_long = item.get_closest_marker("terraform") or path.startswith(_ONE_LOCAL_AWS)
        return len(LANES) + (not is_long)

    items.sort(key=order)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let the two longest lanes go first where processes compete: they decide how long the whole run takes."""
    if "PYTEST_XDIST_WORKER" in os.environ and lane(item.nodeid.partition("::")[0]) not in LANES[:2]:
        os.nice(max(0, 5 - os.nice(0)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Nothing is skipped where every part must be proven."""
    if report.skipped and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"skipped although CI is set: {report.longrepr}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests with the marker ``each_major`` on POSTGRESQL_MAJORS, by default the deployed version and ``also``."""
    marker = metafunc.definition.get_closest_marker("each_major")
    if marker and "postgres" in metafunc.fixturenames:
        majors = os.environ.get("POSTGRESQL_MAJORS", f"17 {marker.kwargs.get('also', '')}")
        servers = [_server(int(major)) for major in majors.split()]
        metafunc.parametrize("postgres", servers, indirect=True, scope="session")


def _server(major: int) -> Any:
    server = _INSTALLED.get(major)
    skipped = () if server else pytest.mark.skip(f"PostgreSQL {major} is not installed")
    return pytest.param(server, id=f"PostgreSQL {major}", marks=skipped)


@pytest.fixture(scope="session", autouse=True)
def no_orphans(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """End the servers of this process also if it is killed."""
    with ended_if_killed(tmp_path_factory.getbasetemp()):
        yield


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """The PostgreSQL servers of this process."""
    servers = Servers(tmp_path_factory.mktemp)
    yield servers
    servers.stop()


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest, servers: Servers) -> Cluster:
    """A running server: of the deployed version, unless the test is marked ``each_major``."""
    if hasattr(request, "param"):
        return servers.get(request.param)
    if not _INSTALLED:
        pytest.skip("no PostgreSQL server runs here: make setup")
    return servers.get(Binaries.find())


@pytest.fixture(scope="session")
def deployed_postgres(postgres: Cluster) -> Cluster:
    """The same, for tests of the image."""
    return postgres


@pytest.fixture
def database(postgres: Cluster) -> Iterator[Database]:
    """A separate database for one test, owned by a fresh master that is not a superuser."""
    database = Database(postgres, f"test_{secrets.token_hex(4)}")
    yield database
    database.drop()
