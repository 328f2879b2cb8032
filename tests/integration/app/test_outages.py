"""The database fails in three ways under load, and the service survives. test_deployment_under_faults.py has more."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from devtools.load import Load
from devtools.postgres.binaries import Binaries
from devtools.postgres.cluster import Cluster
from tests.support.catalogue_database import CatalogueDatabase, migrated_catalogue
from tests.support.database import running_cluster
from tests.support.named_service import NAME
from tests.support.relay import Relay, relay_to
from tests.support.served import IMAGE_COMMAND, Served, serving

pytestmark = pytest.mark.database

CALLERS = 8
# After the database is back. The rest of what a request may take is this machine's.
BACK_WITHIN_SECONDS = 5.0
# For any outage; app.logs has the deadline of a request.
LONGEST_REQUEST_SECONDS = 20.0


@dataclass
class Site:
    """A service whose database can be taken away."""

    cluster: Cluster
    catalogue: CatalogueDatabase
    relay: Relay
    names: Path
    served: Served

    def point_name_at(self, port: int) -> None:
        """Let the database's name mean another address from now on."""
        new = self.names.with_suffix(".new")
        new.write_text(json.dumps(["127.0.0.1", port]))
        new.replace(self.names)

    def throw_out(self) -> None:
        name = self.catalogue.app
        self.cluster.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = :name", name=name)

    def workers(self) -> set[int]:
        return {child.pid for child in psutil.Process(self.served.process.pid).children()}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("outages")
    names = folder / "names"
    with ExitStack() as stack:
        cluster = stack.enter_context(running_cluster(Binaries.find(), folder / "postgresql"))
        catalogue = stack.enter_context(migrated_catalogue(cluster))
        relay = stack.enter_context(relay_to(cluster.port))
        names.write_text(json.dumps(["127.0.0.1", relay.port]))
        url = catalogue.url(catalogue.app).replace(f"@{cluster.host}:", f"@{NAME}:")
        command = [*IMAGE_COMMAND[:-1], "tests.support.named_service:create_app()"]
        served = stack.enter_context(serving(folder, command, DATABASE_URL=url, NAMES=str(names)))
        yield Site(cluster, catalogue, relay, names, served)


@contextmanager
def failed_over(site: Site) -> Iterator[None]:
    site.relay.cut()
    yield
    time.sleep(2)
    site.point_name_at(site.cluster.port)


@contextmanager
def silent(site: Site) -> Iterator[None]:
    site.relay.silence(15)
    yield
    time.sleep(15)


@contextmanager
def slow(site: Site) -> Iterator[None]:
    with site.catalogue.locked():
        yield
        time.sleep(10)


@pytest.fixture
def at_its_first_address(site: Site) -> Iterator[None]:
    yield
    site.point_name_at(site.relay.port)
    site.relay.cut()
    site.relay.repair()
    site.throw_out()  # those that go past the relay


@pytest.mark.usefixtures("at_its_first_address")
@pytest.mark.parametrize("outage", [failed_over, silent, slow])
def test_the_service_reports_and_survives_an_outage(site: Site, outage: Callable[[Site], Iterator[None]]) -> None:
    served = site.served
    assert served.request("GET", "/readyz").status == 200
    workers, written = site.workers(), len(served.log_text())
    with Load([f"127.0.0.1:{served.port}"], CALLERS, pause_seconds=0.01) as load, ThreadPoolExecutor(1) as threads:
        done = threading.Event()
        living = threads.submit(live_until, done, served)
        load.wait_for(50)
        try:
            with outage(site):  # type: ignore[attr-defined]
                pass
            back_at = time.monotonic()
            while served.request("GET", "/beers").status != 200:
                assert time.monotonic() < back_at + BACK_WITHIN_SECONDS
                time.sleep(0.05)
            time.sleep(0.5)
        finally:
            done.set()
        probes = living.result()
    assert {sent.outcome for sent in load.sent} == {200, 201, 503}
    assert max(sent.seconds for sent in load.sent) < LONGEST_REQUEST_SECONDS
    assert not any(sent.failed for sent in load.sent if sent.ended_at - sent.seconds > back_at + BACK_WITHIN_SECONDS)
    assert probes == {200}
    assert workers <= site.workers(), "none was replaced"
    assert "Traceback" not in served.log_text()[written:]


def live_until(done: threading.Event, served: Served) -> set[int]:
    """Return the responses of the liveness probe meanwhile."""
    found = set()
    while not done.wait(0.2):
        found.add(served.request("GET", "/livez").status)
    return found
