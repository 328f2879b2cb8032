"""Credentials: parsed as one snapshot, cached, and refreshed when the database refuses them."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.aws import SecretError
from app.database.credentials import Credential, CredentialSource, parse_credential, read_credential
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:taproom-dev-beers-app-AbCdEf"
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
    """A secret: each read returns the next answer, and then the last one again. An error is raised."""

    def __init__(self, *answers: Credential | Exception) -> None:
        self.answers = list(answers)
        self.reads = 0

    def read(self) -> Credential:
        self.reads += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class BlockedSecret(Secret):
    """A secret whose reads block until ``released`` is set."""

    def __init__(self, *answers: Credential | Exception) -> None:
        super().__init__(*answers)
        self.started, self.released = threading.Event(), threading.Event()

    def read(self) -> Credential:
        self.started.set()
        assert self.released.wait(60)
        return super().read()


def test_a_secret_is_parsed_as_one_credential() -> None:
    assert parse_credential(json.dumps(SECRET), subject="S", version="1") == FIRST
    assert parse_credential(json.dumps({**SECRET, "port": "5432"}), subject="S", version="1") == FIRST


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "S is not a JSON object"),
        ("hidden", "S is not a JSON object"),
        ('["hidden"]', "S is not a JSON object"),
        ('{"password": "hidden"}', "lacks a valid host, port, dbname, username"),
        (json.dumps({**SECRET, "password": ""}), "lacks a valid password"),
        (json.dumps({**SECRET, "password": ["hidden"]}), "lacks a valid password"),
        (json.dumps({**SECRET, "port": "hidden"}), "lacks a valid port"),
        (json.dumps({**SECRET, "port": 5432.5}), "lacks a valid port"),
    ],
)
def test_a_secret_that_is_not_a_credential_is_refused_without_repeating_it(text: str, says: str) -> None:
    with pytest.raises(SecretError, match=says) as refused:
        parse_credential(text, subject="S")
    assert "hidden" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_credential_is_read_with_the_version_of_its_secret(
    client: "SecretsManagerClient", add_version: Callable[..., None]
) -> None:
    add_version(ARN, json.dumps(SECRET))
    assert read_credential(client, ARN) == Credential("db", 5432, "beers", "app_a", "hidden", "a" * 32)


def test_an_expired_credential_is_not_used() -> None:
    source = CredentialSource(Secret(replace(FIRST, expires_at=time.monotonic()), SECOND).read, cache_seconds=60)
    source.current()
    assert source.current() == SECOND


def test_the_last_known_credential_is_used_during_a_read() -> None:
    secret = BlockedSecret(FIRST, SECOND)
    source = CredentialSource(secret.read, cache_seconds=0)
    secret.released.set()
    assert source.current() == FIRST
    secret.released.clear()
    assert [source.current() for _ in range(3)] == [FIRST] * 3
    secret.released.set()
    wait_until(lambda: source.current() == SECOND)


def test_a_refusal_causes_a_read_although_the_cache_is_fresh() -> None:
    source = CredentialSource(Secret(FIRST, SECOND).read, cache_seconds=60)
    assert source.refreshed(source.current()) == SECOND
    assert source.current() == SECOND


def test_a_late_refusal_of_the_old_credential_gets_the_known_new_one() -> None:
    secret = Secret(FIRST, SECOND)
    source = CredentialSource(secret.read, cache_seconds=60)
    source.refreshed(source.current())
    assert source.refreshed(FIRST) == SECOND
    assert secret.reads == 2


def test_the_last_known_credential_is_used_while_the_secret_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(FIRST, SecretError("away"))
    source = CredentialSource(secret.read, cache_seconds=0)
    assert [source.current() for _ in range(3)] == [FIRST] * 3
    wait_until(lambda: "Credential cannot be read" in caplog.text)
    assert source.current() == FIRST


def test_an_error_of_the_first_read_is_raised() -> None:
    with pytest.raises(SecretError, match="away"):
        CredentialSource(Secret(SecretError("away")).read).current()


def test_a_refused_credential_is_not_reused_when_the_secret_cannot_be_read() -> None:
    source = CredentialSource(Secret(FIRST, SecretError("away")).read, cache_seconds=60)
    with pytest.raises(SecretError, match="away"):
        source.refreshed(source.current())


def test_concurrent_reads_are_single_flight() -> None:
    secret = BlockedSecret(FIRST)
    source = CredentialSource(secret.read, cache_seconds=60)
    with ThreadPoolExecutor(8) as threads:
        asking = [threads.submit(source.current) for _ in range(8)]
        assert secret.started.wait(60)
        secret.released.set()
        assert [each.result() for each in asking] == [FIRST] * 8
    assert secret.reads == 1


def test_a_read_that_started_before_the_refusal_is_not_its_result() -> None:
    secret = BlockedSecret(FIRST, FIRST, SECOND)
    secret.released.set()
    source = CredentialSource(secret.read, cache_seconds=0)
    assert source.current() == FIRST
    secret.released.clear()
    secret.started.clear()
    source.current()
    assert secret.started.wait(60)
    with ThreadPoolExecutor(1) as thread:
        refused = thread.submit(source.refreshed, FIRST)
        time.sleep(0.05)
        secret.released.set()
        assert refused.result() == SECOND
    assert secret.reads == 3


def test_a_refusal_times_out_and_the_read_continues() -> None:
    secret = BlockedSecret(FIRST, SECOND)
    secret.released.set()
    source = CredentialSource(secret.read, cache_seconds=60)
    assert source.current() == FIRST
    secret.released.clear()
    for _ in range(2):
        with pytest.raises(SecretError, match="not read in time"):
            source.refreshed(FIRST, deadline=time.monotonic() + 0.1)
    secret.released.set()
    wait_until(lambda: source.current() == SECOND)
    assert secret.reads == 2


def test_an_unexpected_error_is_raised_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(FIRST, ValueError("hidden"))
    source = CredentialSource(secret.read, cache_seconds=60)
    with pytest.raises(ValueError, match="hidden"):
        source.refreshed(source.current())
    assert "ValueError" in str(caplog.records[-1].__dict__["fields"])
    assert "hidden" not in str(caplog.records[-1].__dict__)
