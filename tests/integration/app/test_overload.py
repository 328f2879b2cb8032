"""Overload: every client gets a response soon, and the process survives."""

import http.client
import resource
import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from tests.support.catalogue_database import CatalogueDatabase
from tests.support.served import Served, serving
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.database, pytest.mark.load]

CONNECTIONS = 1000
# A statement may take 5 s, a place in the pool 3 s and one in the queue 3 s; the rest is this machine's.
PATIENCE_SECONDS = 60.0


@pytest.fixture
def served(catalogue: CatalogueDatabase, tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path, DATABASE_URL=catalogue.url(catalogue.app)) as served:
        yield served


@pytest.fixture(autouse=True)
def files_enough() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4 * CONNECTIONS), most))


def answers(port: int, request: bytes, connections: int) -> list[tuple[float, bytes]]:
    """When each of many connections at once was answered, in seconds, and the head of its answer."""
    selector = selectors.DefaultSelector()
    started = time.monotonic()
    for _ in range(connections):
        connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        connection.sendall(request)
        selector.register(connection, selectors.EVENT_READ)
    found: list[tuple[float, bytes]] = []
    while len(found) < connections and time.monotonic() - started < PATIENCE_SECONDS:
        for key, _ in selector.select(timeout=1):
            connection = key.fileobj  # type: ignore[assignment]
            found.append((time.monotonic() - started, connection.recv(4096)))
            selector.unregister(connection)
            connection.close()
    for key in list(selector.get_map().values()):
        key.fileobj.close()  # type: ignore[union-attr]
    selector.close()
    return found


def status(head: bytes) -> int:
    return int(head.split(b" ")[1])


GET_BEERS = b"GET /beers HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def test_a_thousand_concurrent_clients_are_all_answered(served: Served) -> None:
    found = answers(served.port, GET_BEERS, CONNECTIONS)
    assert len(found) == CONNECTIONS
    # On a slow machine some are told to come back, which is an answer too.
    assert {status(head) for _, head in found} <= {200, 503}
    assert served.request("GET", "/beers").status == 200


def test_a_thousand_concurrent_clients_get_503_soon_during_an_outage(
    served: Served, catalogue: CatalogueDatabase
) -> None:
    assert served.request("GET", "/startupz").status == 200
    with table_locked(catalogue), ThreadPoolExecutor(1) as thread:
        asking = thread.submit(answers, served.port, GET_BEERS, CONNECTIONS)
        time.sleep(1)
        while not asking.done():
            started = time.monotonic()
            assert {served.request("GET", path).status for path in ("/livez", "/startupz")} == {200}
            # The load balancer gives a probe four seconds, three times in a row.
            assert time.monotonic() - started < 12
            time.sleep(0.2)
        found = asking.result()
    assert Counter(status(head) for _, head in found) == {503: CONNECTIONS}
    assert all(b"\r\nRetry-After: " in head for _, head in found)
    assert served.request("GET", "/beers").status == 200
    served.stop()
    assert "Too busy" in {line["message"] for line in served.log_lines()}


@contextmanager
def table_locked(catalogue: CatalogueDatabase) -> Iterator[None]:
    """Nobody gets an answer from the table meanwhile."""
    with catalogue.cluster.connect_as_superuser(catalogue.database.name) as holder:
        holder.run("BEGIN")
        holder.run("LOCK TABLE beers.beers")
        yield
        holder.run("COMMIT")


HALF_A_HEAD = b"GET /beers HTTP/1.1\r\nHost:"
HALF_A_BODY = (
    b'POST /beers HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"name": '
)


def test_slow_clients_get_408_and_idle_ones_do_not_delay_others(served: Served) -> None:
    sent = {"half a head": HALF_A_HEAD, "half a body": HALF_A_BODY}
    with ExitStack() as open_connections:

        def call(saying: bytes) -> socket.socket:
            connection = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE_SECONDS)
            connection.sendall(saying)
            return open_connections.enter_context(connection)

        # More silent ones than there are threads; fewer of the others.
        callers = {"silent": [call(b"") for _ in range(40)]}
        started = time.monotonic()
        assert served.request("GET", "/beers").status == 200
        assert time.monotonic() - started < 10
        callers |= {kind: [call(saying) for _ in range(3)] for kind, saying in sent.items()}
        told = {kind: [caller.recv(4096) for caller in slow] for kind, slow in callers.items()}
    assert set(told["silent"]) == {b""}
    assert {status(head) for head in told["half a head"]} == {408}
    assert {status(head) for head in told["half a body"]} == {400}
    assert all(b"application/problem+json" in head for kind in sent for head in told[kind])


def accepted(served: Served) -> list[int]:
    """Return the number of open connections of each worker."""
    workers = psutil.Process(served.process.pid).children()
    found = [[one.status for one in worker.net_connections()] for worker in workers]
    return [statuses.count(psutil.CONN_ESTABLISHED) for statuses in found]


def test_connections_are_balanced_over_the_workers(served: Served) -> None:
    with ExitStack() as open_connections:

        def connect_and_wait(expected: int) -> None:
            caller = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE_SECONDS)
            open_connections.enter_context(caller)
            wait_until(lambda: sum(accepted(served)) >= expected)

        # One after the other: how a burst is divided depends on which worker happens to run.
        for number in range(1, 41):
            connect_and_wait(number)
        assert min(accepted(served)) >= 8


def test_more_slow_clients_than_threads_time_out_in_parallel(served: Served) -> None:
    found = answers(served.port, HALF_A_HEAD, 100)
    assert len(found) == 100
    assert {status(head) for _, head in found} == {408}


def test_replacing_a_worker_loses_no_request(catalogue: CatalogueDatabase, tmp_path: Path) -> None:
    options = "--max-requests 40 --max-requests-jitter 20"
    variables = {"DATABASE_URL": catalogue.url(catalogue.app), "GUNICORN_CMD_ARGS": options}
    with serving(tmp_path, **variables) as served:

        def ask(_: int) -> list[int]:
            statuses = []
            connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE_SECONDS)
            for _ in range(60):
                connection.request("GET", "/beers")
                response = connection.getresponse()
                response.read()
                statuses.append(response.status)
            connection.close()
            return statuses

        with ThreadPoolExecutor(4) as threads:
            assert {status for statuses in threads.map(ask, range(4)) for status in statuses} == {200}
        assert served.stop() == 0
        assert any("Autorestarting" in line["message"] for line in served.log_lines())
