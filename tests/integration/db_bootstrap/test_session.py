import socket
from dataclasses import replace
from pathlib import Path

import pytest

from db_bootstrap.errors import ConfigurationError, RefusedLoginError, StatementError, UnreachableDatabaseError
from db_bootstrap.inspect.session import connected, connected_as_master
from db_bootstrap.model import Credential
from devtools.certificates import create_authority
from tests.support.access import Access

pytestmark = pytest.mark.database


def test_the_connection_is_encrypted(cellar: Access) -> None:
    with connected(cellar.endpoint, cellar.credential()) as connection:
        assert connection.run("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == [[True]]


def test_connections_use_tcp_nodelay(cellar: Access) -> None:
    with connected(cellar.endpoint, cellar.credential()) as connection:
        assert connection._driver._usock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_server_that_another_authority_vouches_for_is_not_talked_to(cellar: Access, tmp_path: Path) -> None:
    other = create_authority(tmp_path / "other")
    endpoint = replace(cellar.endpoint, ca_file=str(other.ca_file))
    with pytest.raises(UnreachableDatabaseError, match="that can be trusted"), connected(endpoint, cellar.credential()):
        pass


def test_a_server_of_another_name_is_not_talked_to(cellar: Access) -> None:
    endpoint = replace(cellar.endpoint, host="127.0.0.2")
    with pytest.raises(UnreachableDatabaseError), connected(endpoint, cellar.credential()):
        pass


def test_certificates_that_cannot_be_read_are_named(cellar: Access, tmp_path: Path) -> None:
    endpoint = replace(cellar.endpoint, ca_file=str(tmp_path / "nothing.pem"))
    with (
        pytest.raises(ConfigurationError, match=r"nothing\.pem cannot be used"),
        connected(endpoint, cellar.credential()),
    ):
        pass


def test_a_refused_connection_is_reported_with_what_to_check(cellar: Access) -> None:
    endpoint = replace(cellar.endpoint, port=1)
    with (
        pytest.raises(UnreachableDatabaseError, match="Check the security groups"),
        connected(endpoint, cellar.credential()),
    ):
        pass


def test_the_time_for_connecting_does_not_limit_what_a_statement_may_take(
    cellar: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    """A clock on which only sleep takes time."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


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


def test_a_master_is_tried_until_the_very_end_of_the_patience(cellar: Access, clock: Clock) -> None:
    """With pauses that do not divide it: the last attempt is at its end, not at the last pause before."""
    answers = iter([cellar.credential("wrong"), cellar.credential("wrong"), cellar.credential()])
    with connected_as_master(cellar.endpoint, lambda: next(answers), 1.5) as connection:
        assert connection.run("SELECT 1") == [[1]]
    assert clock.now == 1.5


def test_a_statement_may_take_longer_than_a_connection(cellar: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("db_bootstrap.inspect.session.CONNECT_TIMEOUT_SECONDS", 0.5)
    with cellar.master() as connection:
        assert connection.run("SELECT pg_sleep(1)")
