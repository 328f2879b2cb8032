"""Credentials: read together, read seldom, read again when refused."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.database.credentials import Credential, CredentialError, FixedSource, RotatingSource, parse_secret

SECRET = {
    "engine": "postgres",
    "host": "db",
    "port": 5432,
    "dbname": "beers",
    "username": "app_a",
    "password": "hidden",
}
FIRST = Credential("db", 5432, "beers", "app_a", "hidden", "1")
SECOND = Credential("db", 5432, "beers", "app_b", "hidden too", "2")


class Secret:
    """What is read: one answer after the other, the last one for ever. An error is raised."""

    def __init__(self, *answers: Credential | Exception) -> None:
        self.answers = list(answers)
        self.readings = 0

    def read(self) -> Credential:
        self.readings += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class HeldSecret(Secret):
    """One whose answers come only while ``go_on`` is set."""

    def __init__(self, *answers: Credential | Exception) -> None:
        super().__init__(*answers)
        self.started, self.go_on = threading.Event(), threading.Event()

    def read(self) -> Credential:
        self.started.set()
        assert self.go_on.wait(10)
        return super().read()


def eventually(look: Callable[[], object], wanted: object) -> bool:
    """Whether ``look`` gives ``wanted`` within some seconds."""
    deadline = time.monotonic() + 10
    while look() != wanted:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_a_secret_holds_a_whole_credential() -> None:
    assert parse_secret(json.dumps(SECRET), subject="S", version="1") == FIRST
    assert parse_secret(json.dumps({**SECRET, "port": "5432"}), subject="S", version="1") == FIRST


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "S is not JSON"),
        ("hidden", "S is not JSON"),
        ('["hidden"]', "not an object"),
        ('{"password": "hidden"}', "lacks a usable host, dbname, username, port"),
        (json.dumps({**SECRET, "password": ""}), "lacks a usable password"),
        (json.dumps({**SECRET, "password": ["hidden"]}), "lacks a usable password"),
        (json.dumps({**SECRET, "port": "hidden"}), "lacks a usable port"),
        (json.dumps({**SECRET, "port": 5432.5}), "lacks a usable port"),
    ],
)
def test_a_secret_that_is_no_credential_is_refused_without_repeating_it(text: str, says: str) -> None:
    with pytest.raises(CredentialError, match=says) as refused:
        parse_secret(text, subject="S")
    assert "hidden" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_credential_does_not_show_its_password() -> None:
    assert "hidden" not in repr(FIRST)


def test_a_fixed_source_has_nowhere_to_look_again() -> None:
    source = FixedSource(FIRST)
    assert source.current() is source.refreshed(FIRST) is FIRST


def test_connections_that_open_together_share_one_reading() -> None:
    secret = Secret(FIRST)
    source = RotatingSource(secret.read, cache_seconds=60)
    assert [source.current() for _ in range(5)] == [FIRST] * 5
    assert secret.readings == 1


def test_an_old_reading_still_serves_while_a_newer_one_is_under_way() -> None:
    secret = HeldSecret(FIRST, SECOND)
    source = RotatingSource(secret.read, cache_seconds=0)
    secret.go_on.set()
    assert source.current() == FIRST
    secret.go_on.clear()
    assert [source.current() for _ in range(3)] == [FIRST] * 3
    secret.go_on.set()
    assert eventually(source.current, SECOND)


def test_a_refusal_reads_again_although_the_last_reading_is_young() -> None:
    source = RotatingSource(Secret(FIRST, SECOND).read, cache_seconds=60)
    assert source.refreshed(source.current()) == SECOND
    assert source.current() == SECOND


def test_a_late_refusal_of_the_old_credential_gets_the_new_one_that_is_known() -> None:
    secret = Secret(FIRST, SECOND)
    source = RotatingSource(secret.read, cache_seconds=60)
    source.refreshed(source.current())
    assert source.refreshed(FIRST) == SECOND
    assert secret.readings == 2


def test_while_the_secret_cannot_be_read_the_last_credential_serves(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(FIRST, CredentialError("away"))
    source = RotatingSource(secret.read, cache_seconds=0)
    assert [source.current() for _ in range(3)] == [FIRST] * 3
    assert eventually(lambda: "the last one known serves" in caplog.text, True)
    assert source.current() == FIRST


def test_a_secret_that_cannot_be_read_is_asked_for_no_more_often_than_one_that_can() -> None:
    secret = Secret(FIRST, CredentialError("away"))
    source = RotatingSource(secret.read, cache_seconds=0.2)
    ends_at = time.monotonic() + 0.7
    while time.monotonic() < ends_at:
        source.current()
    assert 2 <= secret.readings <= 5


def test_without_any_reading_the_error_stands() -> None:
    with pytest.raises(CredentialError, match="away"):
        RotatingSource(Secret(CredentialError("away")).read).current()


def test_a_refused_credential_is_not_given_again_when_the_secret_cannot_be_read() -> None:
    source = RotatingSource(Secret(FIRST, CredentialError("away")).read, cache_seconds=60)
    with pytest.raises(CredentialError, match="away"):
        source.refreshed(source.current())


def test_threads_that_ask_while_one_reads_share_its_answer() -> None:
    secret = HeldSecret(FIRST)
    source = RotatingSource(secret.read, cache_seconds=60)
    with ThreadPoolExecutor(8) as threads:
        asking = [threads.submit(source.current) for _ in range(8)]
        assert secret.started.wait(10)
        secret.go_on.set()
        assert [each.result() for each in asking] == [FIRST] * 8
    assert secret.readings == 1


def test_a_reading_that_began_before_the_refusal_does_not_answer_it() -> None:
    secret = HeldSecret(FIRST, FIRST, SECOND)
    secret.go_on.set()
    source = RotatingSource(secret.read, cache_seconds=0)
    assert source.current() == FIRST
    secret.go_on.clear()
    secret.started.clear()
    source.current()
    assert secret.started.wait(10)
    with ThreadPoolExecutor(1) as thread:
        refused = thread.submit(source.refreshed, FIRST)
        time.sleep(0.05)
        secret.go_on.set()
        assert refused.result() == SECOND
    assert secret.readings == 3


def test_a_refusal_waits_no_longer_than_a_request_may_and_the_reading_goes_on() -> None:
    secret = HeldSecret(FIRST, SECOND)
    secret.go_on.set()
    source = RotatingSource(secret.read, cache_seconds=60, patience_seconds=0.1)
    assert source.current() == FIRST
    secret.go_on.clear()
    for _ in range(2):
        with pytest.raises(CredentialError, match=r"within 0[.]1 seconds"):
            source.refreshed(FIRST)
    secret.go_on.set()
    assert eventually(source.current, SECOND)
    assert secret.readings == 2


def test_an_error_that_nobody_foresaw_reaches_those_who_wait_and_not_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    secret = Secret(FIRST, ValueError("hidden"))
    source = RotatingSource(secret.read, cache_seconds=60)
    with pytest.raises(ValueError, match="hidden"):
        source.refreshed(source.current())
    assert "ValueError" in str(caplog.records[-1].__dict__["fields"])
    assert "hidden" not in str(caplog.records[-1].__dict__)
