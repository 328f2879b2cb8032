import contextlib
import socket
import struct
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from db_bootstrap.errors import (
    ConfigurationError,
    NotReadyError,
    RefusedLoginError,
    StatementError,
    UnreachableDatabaseError,
)
from db_bootstrap.inspect.session import connected, connected_as_master
from db_bootstrap.model import Credential, Endpoint
from devtools.certificates import create_authority
from tests.support.access import Access
from tests.support.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.database


def test_connections_use_tcp_nodelay(cellar: Access) -> None:
    with connected(cellar.endpoint, cellar.credential()) as connection:
        assert connection._driver._usock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_server_that_another_authority_vouches_for_is_not_talked_to(cellar: Access, tmp_path: Path) -> None:
    endpoint = replace(cellar.endpoint, ca_file=str(create_authority(tmp_path / "other").ca_file))
    with pytest.raises(UnreachableDatabaseError, match="trusted"), connected(endpoint, cellar.credential()):
        pass


def test_a_server_of_another_name_is_not_talked_to(cellar: Access) -> None:
    endpoint = replace(cellar.endpoint, host="127.1")  # its address, as the certificate does not spell it
    with pytest.raises(UnreachableDatabaseError, match="trusted"), connected(endpoint, cellar.credential()):
        pass


def test_the_connect_timeout_does_not_limit_statements(cellar: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("db_bootstrap.inspect.session.CONNECT_TIMEOUT_SECONDS", 0.5)
    with connected(cellar.endpoint, cellar.credential()) as connection:
        assert connection.run("SELECT 1 FROM pg_sleep(1)") == [[1]]


def test_a_server_that_says_nothing_is_given_up(cellar: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("db_bootstrap.inspect.session.ANSWER_TIMEOUT_SECONDS", 1)
    with (
        connected(cellar.endpoint, cellar.credential()) as connection,
        pytest.raises(StatementError, match="timed out"),
    ):
        connection.run("SELECT FROM pg_sleep(10)")


class Clock:
    """A clock on which only sleep takes time.

    Attributes:
        meanwhile: what happens during the first sleeps.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.meanwhile: list[Callable[[], object]] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.meanwhile:
            self.meanwhile.pop(0)()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("db_bootstrap.inspect.session.time", clock)
    return clock


def test_a_password_that_stays_wrong_is_refused_in_the_end_and_never_shown(cellar: Access, clock: Clock) -> None:
    readings = []

    def read() -> Credential:
        readings.append(cellar.credential("wrong-password"))
        return readings[-1]

    with pytest.raises(RefusedLoginError) as refused, connected_as_master(cellar.endpoint, read, 20):
        pass
    assert clock.now == 20
    assert refused.value.sqlstate == "28P01"
    assert len(readings) > 2, "the secret was read again"
    assert "wrong-password" not in str(refused.value) + repr(refused.value)


def test_the_masters_login_is_retried_until_the_deadline(cellar: Access, clock: Clock) -> None:
    """With pauses that do not divide it: the last attempt is at its end, not at the last pause before."""
    answers = iter([cellar.credential("wrong"), cellar.credential("wrong"), cellar.credential()])
    with connected_as_master(cellar.endpoint, lambda: next(answers), 1.5) as connection:
        assert connection.run("SELECT 1") == [[1]]
    assert clock.now == 1.5


class Refusals:
    """A server that answers every login with the same bytes, and counts the logins."""

    def __init__(self, answer: bytes) -> None:
        self.logins = 0
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = Endpoint("127.0.0.1", self._listener.getsockname()[1], "cellar", None)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                client.recv(4096)
                self.logins += 1
                client.sendall(self._answer)
                client.close()


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


# Authenticated, a setting, ready.
STANDBY = message(b"R", bytes(4)) + message(b"S", b"in_hot_standby\0on\0") + message(b"Z", b"I")


@pytest.mark.parametrize(
    ("sqlstate", "advice"),
    [
        ("57P03", "when it accepts connections"),
        ("57P01", "is not ready"),
        ("53300", "pg_stat_activity"),
        ("25006", "Wait for the failover"),
        ("", "Check the security groups"),
    ],
)
def test_a_server_that_is_not_ready_is_retried_and_reported_with_a_remedy(
    sqlstate: str, advice: str, clock: Clock
) -> None:
    error = message(b"E", f"SFATAL\0VFATAL\0C{sqlstate}\0Mnot now\0\0".encode())
    server = Refusals({"25006": STANDBY, "": b""}.get(sqlstate, error))
    session = connected_as_master(server.endpoint, lambda: Credential("master", "secret"), 20)
    with pytest.raises(NotReadyError, match=advice) as refused, session:
        pass
    assert (clock.now, refused.value.sqlstate) == (20, sqlstate)
    assert server.logins > 2


def test_a_standby_is_good_enough_to_read() -> None:
    server = Refusals(STANDBY)
    opened = connected_as_master(server.endpoint, lambda: Credential("master", "x"), 0, is_read_only=True)
    with opened as session, pytest.raises(StatementError, match="connection broke"):
        session.run("SELECT 1")


def test_a_server_that_becomes_ready_in_time_is_used(cellar: Access, clock: Clock) -> None:
    """It refuses connections, then has none to spare, then lets the master in."""
    relay = Relay(cellar.endpoint.port)
    relay.cut()
    clock.meanwhile = [relay.repair, lambda: cellar.as_superuser("ALTER ROLE {master} CONNECTION LIMIT -1")]
    cellar.as_superuser("ALTER ROLE {master} CONNECTION LIMIT 0")
    endpoint = replace(cellar.endpoint, port=relay.port)
    with connected_as_master(endpoint, cellar.credential, 20) as session:
        assert session.run("SELECT 1") == [[1]]
    assert clock.now == 3
    relay.cut()


@pytest.mark.parametrize(
    "credential", [Credential("master", "bell\a"), Credential("master", "\ud800"), Credential("\ud800", "x")]
)
def test_a_credential_that_cannot_be_sent_is_named_and_not_shown(credential: Credential, cellar: Access) -> None:
    with pytest.raises(ConfigurationError, match="printable ASCII") as refused, connected(cellar.endpoint, credential):
        pass
    assert credential.password not in str(refused.value)


def test_every_setting_of_the_session_precedes_those_of_the_role(cellar: Access) -> None:
    cellar.as_superuser(
        "ALTER ROLE {master} SET search_path = public",
        "ALTER ROLE {master} SET statement_timeout = 1",
        "ALTER ROLE {master} SET datestyle = 'German'",
        "ALTER ROLE {master} SET default_transaction_read_only = off",
    )
    with connected(cellar.endpoint, cellar.credential()) as session:
        assert session.run(
            "SELECT current_setting('search_path'), current_setting('statement_timeout'), "
            "current_setting('datestyle'), current_setting('transaction_read_only'), current_setting('row_security')"
        ) == [["pg_catalog, pg_temp", "1min", "ISO, MDY", "on", "off"]]
