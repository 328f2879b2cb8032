"""Opening connections: rotated credentials, verified TLS, bounded waits."""

import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pg8000
import pytest

from app.database.connector import MAX_REFUSALS, Connector, connector_for, sqlstate
from app.database.credentials import Credential, CredentialSource, FixedSource, RotatingSource
from app.database.pool import Database, DatabaseUnavailableError
from app.logs import JsonFormatter
from app.settings import DatabaseUrl, Settings
from devtools.certificates import create_authority
from tests.support.catalogue_database import CatalogueDatabase

pytestmark = pytest.mark.database

LONG = 3600.0


class RotatedSecret:
    """Holds one credential and counts how often it is read.

    Attributes:
        credential: what the next reading gives.
        readings: how many there were.
    """

    def __init__(self, credential: Credential, reading_takes_seconds: float = 0.0) -> None:
        self.credential = credential
        self.readings = 0
        self._seconds = reading_takes_seconds
        self._lock = threading.Lock()

    def read(self) -> Credential:
        """The present credential."""
        with self._lock:
            self.readings += 1
        time.sleep(self._seconds)
        return self.credential


@pytest.fixture
def credential(bare: CatalogueDatabase) -> Credential:
    """What the service logs in with."""
    return Credential(bare.cluster.host, bare.cluster.port, bare.database.name, bare.app, bare.password, "1")


def connector(bare: CatalogueDatabase, source: CredentialSource, **other: object) -> Connector:
    """A connector that verifies the server, with ``other`` fields of its own."""
    tls = ssl.create_default_context(cafile=str(bare.cluster.authority.ca_file))
    return replace(Connector(source, tls, "test", read_timeout_seconds=5.0), **other)  # type: ignore[arg-type]


def who(connection: pg8000.Connection) -> str:
    """The user of ``connection``, which is closed."""
    try:
        name: str = connection.run("SELECT current_user")[0][0]
        return name
    finally:
        connection.close()


def test_connections_use_tcp_nodelay(bare: CatalogueDatabase, credential: Credential) -> None:
    connection = connector(bare, FixedSource(credential)).connect()
    assert connection._usock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    connection.close()


def test_a_statement_has_one_generic_plan(bare: CatalogueDatabase, credential: Credential) -> None:
    connection = connector(bare, FixedSource(credential)).connect()
    connection.run("PREPARE named AS SELECT relname FROM pg_class WHERE oid = $1")
    for number in range(3):
        connection.run(f"EXECUTE named({number})")
    ((generic, custom),) = connection.run(
        "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name = 'named'"
    )
    connection.close()
    assert (generic, custom) == (3, 0)


def test_a_rotated_password_is_refreshed_once(bare: CatalogueDatabase, credential: Credential) -> None:
    secret = RotatedSecret(credential)
    opening = connector(bare, RotatingSource(secret.read, cache_seconds=LONG))
    assert who(opening.connect()) == bare.app

    bare.cluster.set_password(bare.app, "another one")
    secret.credential = replace(credential, password="another one", version="2")
    assert who(opening.connect()) == bare.app
    assert secret.readings == 2
    assert who(opening.connect()) == bare.app
    assert secret.readings == 2


def test_user_and_password_change_together(bare: CatalogueDatabase, credential: Credential) -> None:
    secret = RotatedSecret(credential)
    opening = connector(bare, RotatingSource(secret.read, cache_seconds=LONG))
    assert who(opening.connect()) == bare.app

    bare.admin(f"ALTER ROLE {bare.app} NOLOGIN")
    secret.credential = replace(credential, username=bare.migrator, version="2")
    assert who(opening.connect()) == bare.owner


def test_concurrent_refusals_cause_one_read_of_the_secret(bare: CatalogueDatabase, credential: Credential) -> None:
    secret = RotatedSecret(credential, reading_takes_seconds=0.3)
    opening = connector(bare, RotatingSource(secret.read, cache_seconds=LONG))
    assert who(opening.connect()) == bare.app
    bare.cluster.set_password(bare.app, "another one")
    secret.credential = replace(credential, password="another one", version="2")
    together = threading.Barrier(8)

    def connect(_: int) -> str:
        together.wait()
        return who(opening.connect())

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(connect, range(8))) == [bare.app] * 8
    assert secret.readings == 2


def test_a_refusal_is_final_if_the_secret_has_not_changed(bare: CatalogueDatabase, credential: Credential) -> None:
    secret = RotatedSecret(replace(credential, password="wrong"))
    with pytest.raises(pg8000.Error) as refused:
        connector(bare, RotatingSource(secret.read, cache_seconds=LONG)).connect()
    assert sqlstate(refused.value) == "28P01"
    assert secret.readings == 2


def test_retries_after_back_to_back_rotations_are_bounded(bare: CatalogueDatabase, credential: Credential) -> None:
    class Overtaken:
        """Always a newer version than the one that was refused; the ``good``-th logs in."""

        def __init__(self, good: int) -> None:
            self.good, self.given = good, 0

        def current(self) -> Credential:
            self.given += 1
            password = bare.password if self.given == self.good else "overtaken"
            return replace(credential, password=password, version=str(self.given))

        def refreshed(self, refused: Credential) -> Credential:
            return self.current()

    assert who(connector(bare, Overtaken(good=3)).connect()) == bare.app
    endless = Overtaken(good=0)
    with pytest.raises(pg8000.Error, match="28P01"):
        connector(bare, endless).connect()
    assert endless.given == MAX_REFUSALS + 1


@pytest.mark.parametrize(
    ("pool", "sessions"),
    [
        pytest.param({"pool_size": 1}, 1, id="kept"),
        pytest.param({"pool_size": 1, "pool_recycle_seconds": 1}, 2, id="replaced when it is old"),
        pytest.param({"pool_size": 0}, 2, id="none is kept"),
    ],
)
def test_old_connections_are_recycled(
    bare: CatalogueDatabase, credential: Credential, pool: dict[str, int], sessions: int
) -> None:
    database = Database(connector(bare, FixedSource(credential)), **pool)
    seen = set()
    for pause_seconds in (1.1, 0):
        seen.add(database.read("SELECT pg_backend_pid()", {})[0][0])
        time.sleep(pause_seconds)
    database.close()
    assert len(seen) == sessions


def test_no_password_is_in_the_errors_or_the_log(
    bare: CatalogueDatabase, credential: Credential, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = RotatedSecret(replace(credential, password="wrong-and-secret"))
    database = Database(connector(bare, RotatingSource(secret.read)), pool_size=1)
    with pytest.raises(DatabaseUnavailableError, match="28P01") as refused:
        database.read("SELECT 1", {})
    logging.getLogger("test").error("refused", exc_info=refused.value)
    lines = [JsonFormatter().format(record) for record in caplog.records]
    assert any("28P01" in line for line in lines)
    assert not any("wrong-and-secret" in line for line in lines)
    assert "wrong-and-secret" not in repr(secret.credential)


def test_requests_succeed_through_four_rotations_of_two_logins(bare: CatalogueDatabase, credential: Credential) -> None:
    bare.admin(f"CREATE ROLE {bare.database.name}_app_b LOGIN")
    secret = RotatedSecret(credential)
    opening = connector(bare, RotatingSource(secret.read, cache_seconds=0.1))
    done = threading.Event()

    def ask() -> int:
        asked = 0
        while not done.is_set():
            assert who(opening.connect()).startswith(f"{bare.database.name}_app_")
            asked += 1
        return asked

    with ThreadPoolExecutor(4) as threads:
        asking = [threads.submit(ask) for _ in range(4)]
        for number, letter in enumerate("baba", start=2):
            login, password = f"{bare.database.name}_app_{letter}", f"password {number}"
            bare.cluster.set_password(login, password)
            time.sleep(0.2)
            secret.credential = replace(credential, username=login, password=password, version=str(number))
            time.sleep(0.2)
        done.set()
    assert min(each.result() for each in asking) > 0


def test_a_server_with_an_unknown_certificate_authority_is_refused(bare: CatalogueDatabase, tmp_path: Path) -> None:
    stranger = create_authority(tmp_path / "stranger").ca_file
    url = bare.url(bare.app).split("?")[0]
    settings = Settings(DatabaseUrl(f"{url}?sslmode=verify-full"), ca_file=stranger)
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        connector_for(settings, read_timeout_seconds=5).connect()


def test_a_server_with_the_wrong_host_name_is_refused(bare: CatalogueDatabase, credential: Credential) -> None:
    # Short for 127.0.0.1 to the resolver, and not the name that the certificate carries.
    elsewhere = FixedSource(replace(credential, host="127.1"))
    with pytest.raises(ssl.SSLCertVerificationError, match="ostname mismatch"):
        connector(bare, elsewhere).connect()


def test_a_server_without_tls_gets_no_password(bare: CatalogueDatabase, credential: Credential) -> None:
    with listening(answer=b"N") as (port, received), pytest.raises(pg8000.InterfaceError, match="refuses SSL"):
        connector(bare, FixedSource(replace(credential, port=port))).connect()
    assert b"".join(received) == b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # SSLRequest, and nothing after it


def test_connecting_to_an_unresponsive_server_times_out(bare: CatalogueDatabase, credential: Credential) -> None:
    with listening(answer=b"") as (port, _):
        silent = connector(bare, FixedSource(replace(credential, port=port)), read_timeout_seconds=0.2)
        with pytest.raises(DatabaseUnavailableError, match="TimeoutError"):
            Database(silent, pool_size=1).read("SELECT 1", {})


def test_a_read_timeout_removes_the_session_from_the_pool(bare: CatalogueDatabase, credential: Credential) -> None:
    database = Database(connector(bare, FixedSource(credential), read_timeout_seconds=0.3), pool_size=1)
    with pytest.raises(DatabaseUnavailableError, match="TimeoutError"):
        database.write("SELECT pg_sleep(2)", {})
    assert database.read("SELECT 7", {}) == ([7],)
    database.close()


def test_a_statement_timeout_is_an_unavailable_database(bare: CatalogueDatabase, credential: Credential) -> None:
    bare.admin(f"ALTER ROLE {bare.app} SET statement_timeout = '100ms'")
    database = Database(connector(bare, FixedSource(credential)), pool_size=1)
    with pytest.raises(DatabaseUnavailableError, match="57014"):
        database.read("SELECT pg_sleep(2)", {})
    database.close()


def test_an_exhausted_pool_is_an_unavailable_database(
    bare: CatalogueDatabase, credential: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.database.pool.POOL_TIMEOUT_SECONDS", 0.1)
    database = Database(connector(bare, FixedSource(credential)), pool_size=1)
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(database.read, "SELECT pg_sleep(1)", {})
        time.sleep(0.3)
        with pytest.raises(DatabaseUnavailableError, match="All database connections were in use"):
            database.read("SELECT 1", {})
        slow.result()
    assert database.read("SELECT 7", {}) == ([7],)
    database.close()


def test_connections_set_their_application_name(bare: CatalogueDatabase) -> None:
    settings = bare.settings(bare.app, version="v1.2.3")
    connection = connector_for(settings, read_timeout_seconds=5).connect()
    try:
        assert connection.run("SELECT current_setting('application_name'), current_setting('TimeZone')") == (
            ["taproom/v1.2.3", "UTC"],
        )
    finally:
        connection.close()


@contextmanager
def listening(answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """A server that answers its first client with ``answer`` and then only listens; its port, and what it heard."""
    received: list[bytes] = []

    def serve() -> None:
        client, _ = server.accept()
        with client:
            received.append(client.recv(8))
            client.sendall(answer)
            while heard := client.recv(4096):
                received.append(heard)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], received
        thread.join()
