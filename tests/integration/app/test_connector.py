"""Opening connections: rotated credentials, verified TLS, bounded waits."""

import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pg8000
import pytest

from app.database.connector import MAX_REFUSALS, Connector, connector_for, sqlstate
from app.database.credentials import Credential, CredentialSource
from app.database.pool import Database, DatabaseUnavailableError
from app.logs import JsonFormatter
from app.settings import Settings
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
    return Credential(bare.cluster.host, bare.cluster.port, bare.database.name, bare.app, bare.password, "1")


def connector(bare: CatalogueDatabase, source: CredentialSource) -> Connector:
    """A connector that verifies the server."""
    return replace(connector_for(bare.settings(bare.app)), source=source)


def fixed(credential: Credential) -> CredentialSource:
    return CredentialSource(lambda: credential, cache_seconds=LONG)


def soon(seconds: float = 30.0) -> float:
    return time.monotonic() + seconds


def who(connection: pg8000.Connection) -> str:
    """The user of ``connection``, which is closed."""
    try:
        name: str = connection.run("SELECT current_user")[0][0]
        return name
    finally:
        connection.close()


def test_the_kernel_detects_dead_peers_and_delays_no_packet(bare: CatalogueDatabase, credential: Credential) -> None:
    connection = connector(bare, fixed(credential)).connect(soon())
    options = {"TCP_NODELAY": 1, "TCP_USER_TIMEOUT": 5000, "TCP_KEEPIDLE": 2, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 3}
    found = {name: connection.sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in options}
    assert found == options
    connection.close()


def test_a_statement_has_one_generic_plan(bare: CatalogueDatabase, credential: Credential) -> None:
    connection = connector(bare, fixed(credential)).connect(soon())
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
    opening = connector(bare, CredentialSource(secret.read, cache_seconds=LONG))
    assert who(opening.connect(soon())) == bare.app

    bare.cluster.set_password(bare.app, "another one")
    secret.credential = replace(credential, password="another one", version="2")
    assert who(opening.connect(soon())) == bare.app
    assert secret.readings == 2
    assert who(opening.connect(soon())) == bare.app
    assert secret.readings == 2


def test_user_and_password_change_together(bare: CatalogueDatabase, credential: Credential) -> None:
    secret = RotatedSecret(credential)
    opening = connector(bare, CredentialSource(secret.read, cache_seconds=LONG))
    assert who(opening.connect(soon())) == bare.app

    bare.admin(f"ALTER ROLE {bare.app} NOLOGIN")
    secret.credential = replace(credential, username=bare.migrator, version="2")
    assert who(opening.connect(soon())) == bare.owner


def test_a_refusal_is_final_if_the_secret_has_not_changed(bare: CatalogueDatabase, credential: Credential) -> None:
    secret = RotatedSecret(replace(credential, password="wrong"))
    with pytest.raises(pg8000.Error) as refused:
        connector(bare, CredentialSource(secret.read, cache_seconds=LONG)).connect(soon())
    assert sqlstate(refused.value) == "28P01"
    assert secret.readings == 2


def test_retries_after_back_to_back_rotations_are_bounded(bare: CatalogueDatabase, credential: Credential) -> None:
    read = 0

    def overtaken() -> Credential:
        nonlocal read
        read += 1
        password = bare.password if read == good else "overtaken"
        return replace(credential, password=password, version=str(read))

    good = 3
    assert who(connector(bare, CredentialSource(overtaken, cache_seconds=LONG)).connect(soon())) == bare.app
    read, good = 0, MAX_REFUSALS + 2
    with pytest.raises(pg8000.Error, match="28P01"):
        connector(bare, CredentialSource(overtaken, cache_seconds=LONG)).connect(soon())
    assert read == MAX_REFUSALS + 1


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
    database = Database(connector(bare, fixed(credential)), **pool)
    seen = set()
    for pause_seconds in (1.1, 0):
        seen.add(database.run("SELECT pg_backend_pid()", {})[0][0])
        time.sleep(pause_seconds)
    database.close()
    assert len(seen) == sessions


def test_no_password_is_in_the_errors_or_the_log(
    bare: CatalogueDatabase, credential: Credential, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = RotatedSecret(replace(credential, password="wrong-and-secret"))
    database = Database(connector(bare, CredentialSource(secret.read)), pool_size=1)
    with pytest.raises(DatabaseUnavailableError, match="28P01") as refused:
        database.run("SELECT 1", {})
    logging.getLogger("test").error("refused", exc_info=refused.value)
    lines = [JsonFormatter().format(record) for record in caplog.records]
    assert any("28P01" in line for line in lines)
    assert not any("wrong-and-secret" in line for line in lines)
    assert "wrong-and-secret" not in repr(secret.credential)


def test_a_server_with_an_unknown_certificate_authority_is_refused(bare: CatalogueDatabase, tmp_path: Path) -> None:
    stranger = create_authority(tmp_path / "stranger").ca_file
    url = bare.url(bare.app).split("?")[0]
    settings = Settings(database_url=f"{url}?sslmode=verify-full", database_ca_file=stranger)
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        connector_for(settings).connect(soon())


def test_a_server_with_the_wrong_host_name_is_refused(bare: CatalogueDatabase, credential: Credential) -> None:
    # Short for 127.0.0.1 to the resolver, and not the name that the certificate carries.
    elsewhere = fixed(replace(credential, host="127.1"))
    with pytest.raises(ssl.SSLCertVerificationError, match="ostname mismatch"):
        connector(bare, elsewhere).connect(soon())


def test_a_server_without_tls_gets_no_password(bare: CatalogueDatabase, credential: Credential) -> None:
    with listening(answer=b"N") as (port, received), pytest.raises(pg8000.InterfaceError, match="refuses SSL"):
        connector(bare, fixed(replace(credential, port=port))).connect(soon())
    assert b"".join(received) == b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # SSLRequest, and nothing after it


@pytest.mark.parametrize("trickle", [b"", b"N"])
def test_connecting_ends_at_the_deadline(credential: Credential, trickle: bytes) -> None:
    with listening(answer=b"", trickle=trickle) as (port, _):
        plain = Connector(fixed(replace(credential, port=port)), None, "test")
        started = time.monotonic()
        with pytest.raises((pg8000.Error, OSError)):
            plain.connect(soon(0.5))
        assert time.monotonic() - started < 60


@pytest.fixture
def pooled(bare: CatalogueDatabase, credential: Credential) -> Iterator[Database]:
    database = Database(connector(bare, fixed(credential)), pool_size=3)
    yield database
    database.close()


def test_a_request_ends_at_its_deadline_and_its_session_is_not_used_again(
    pooled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    pooled.run("SELECT 1", {})
    with monkeypatch.context() as patch:
        patch.setattr("app.logs.REQUEST_SECONDS", 0.3)
        with pytest.raises(DatabaseUnavailableError, match="TimeoutError"):
            pooled.run("SELECT pg_sleep(20)", {})
    assert pooled.run("SELECT 7", {}) == ([7],)


PID = "SELECT pg_backend_pid()"


def test_the_session_that_was_used_last_is_used_first(pooled: Database) -> None:
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: pooled.run("SELECT pg_sleep(0.3)", {}), range(3)))
    assert len({pooled.run(PID, {})[0][0] for _ in range(5)}) == 1


def test_a_session_that_the_server_has_ended_is_detected_before_a_write(
    pooled: Database, bare: CatalogueDatabase
) -> None:
    ((ended,),) = pooled.run(PID, {})
    bare.admin("SELECT pg_terminate_backend(:pid, 5000)", pid=ended)
    assert pooled.run(PID, {}, is_write=True) != ([ended],)


def test_a_write_that_could_not_be_sent_is_repeated(pooled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ((ended,),) = pooled.run(PID, {})
    monkeypatch.setattr(type(pooled._idle[0]), "is_alive", True)
    pooled._idle[0].sock.shutdown(socket.SHUT_WR)
    assert pooled.run(PID, {}, is_write=True) != ([ended],)


def test_a_statement_timeout_is_an_unavailable_database(pooled: Database, bare: CatalogueDatabase) -> None:
    bare.admin(f"ALTER ROLE {bare.app} SET statement_timeout = '100ms'")
    with pytest.raises(DatabaseUnavailableError, match="57014"):
        pooled.run("SELECT pg_sleep(2)", {})


def test_an_exhausted_pool_is_an_unavailable_database(
    bare: CatalogueDatabase, credential: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.database.pool.POOL_TIMEOUT_SECONDS", 0.1)
    database = Database(connector(bare, fixed(credential)), pool_size=1)
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(database.run, "SELECT pg_sleep(1)", {})
        time.sleep(0.3)
        with pytest.raises(DatabaseUnavailableError, match="All database connections were in use"):
            database.run("SELECT 1", {})
        slow.result()
    assert database.run("SELECT 7", {}) == ([7],)
    database.close()


def test_connections_set_their_application_name(bare: CatalogueDatabase) -> None:
    settings = bare.settings(bare.app, app_version="v1.2.3")
    with connector_for(settings).connect(soon()) as connection:
        found = connection.run("SELECT current_setting('application_name'), current_setting('TimeZone')")
    assert found == (["taproom/v1.2.3", "UTC"],)


@contextmanager
def listening(answer: bytes, trickle: bytes = b"") -> Iterator[tuple[int, list[bytes]]]:
    """A server that answers its first client with ``answer``, then repeats ``trickle``; its port, and what it heard."""
    received: list[bytes] = []

    def serve() -> None:
        client, _ = server.accept()
        with client:
            received.append(client.recv(8))
            client.sendall(answer)
            with suppress(OSError):
                while trickle:
                    client.sendall(trickle)
                    time.sleep(0.05)
            while heard := client.recv(4096):
                received.append(heard)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], received
        thread.join()
