"""Credentials: read together, read seldom, read again when refused."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.credentials import Credential, CredentialError, FixedSource, RotatingSource, parse_secret

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

    def __init__(self, *answers: Credential | CredentialError) -> None:
        self.answers = list(answers)
        self.readings = 0

    def read(self) -> Credential:
        self.readings += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, CredentialError):
            raise answer
        return answer


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


def test_a_later_connection_reads_again() -> None:
    source = RotatingSource(Secret(FIRST, SECOND).read, cache_seconds=0)
    assert [source.current(), source.current()] == [FIRST, SECOND]


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


def test_while_the_secret_cannot_be_read_the_last_credential_serves() -> None:
    source = RotatingSource(Secret(FIRST, CredentialError("away")).read, cache_seconds=0)
    assert [source.current(), source.current()] == [FIRST, FIRST]


def test_without_any_reading_the_error_stands() -> None:
    with pytest.raises(CredentialError, match="away"):
        RotatingSource(Secret(CredentialError("away")).read).current()


def test_a_refused_credential_is_not_given_again_when_the_secret_cannot_be_read() -> None:
    source = RotatingSource(Secret(FIRST, CredentialError("away")).read, cache_seconds=60)
    with pytest.raises(CredentialError, match="away"):
        source.refreshed(source.current())


def test_threads_that_ask_while_one_reads_share_its_answer() -> None:
    started, go_on = threading.Event(), threading.Event()
    secret = Secret(FIRST)

    def slowly() -> Credential:
        started.set()
        go_on.wait(10)
        return secret.read()

    source = RotatingSource(slowly, cache_seconds=60)
    with ThreadPoolExecutor(8) as threads:
        asking = [threads.submit(source.current) for _ in range(8)]
        assert started.wait(10)
        go_on.set()
        assert [each.result() for each in asking] == [FIRST] * 8
    assert secret.readings == 1
