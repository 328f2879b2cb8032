"""Authorization of writes, while tokens are replaced and Secrets Manager is unavailable."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from app import create_app
from app.api.problems import Problem
from app.api.write_token import TokenGuard, read_tokens
from app.aws import SecretError
from app.settings import Settings
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:taproom-dev/service/write-token-AbCdEf"
OLD, NEW = "the-old-token-0123456789", "the-new-token-0123456789"


class Tokens:
    """A guard's source in place of Secrets Manager.

    Attributes:
        values: The result of the next read; an error is raised.
        reads: The number of reads.
        released: Reads wait until it is set.
    """

    def __init__(self, *values: str) -> None:
        self.values: tuple[str, ...] | SecretError = values
        self.reads = 0
        self.released = threading.Event()
        self.released.set()

    def read(self) -> tuple[str, ...]:
        self.reads += 1
        assert self.released.wait(60)
        if isinstance(self.values, SecretError):
            raise self.values
        return self.values


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets a duration of app.api.write_token to other seconds."""
    return lambda name, seconds: monkeypatch.setattr(f"app.api.write_token.{name}_SECONDS", seconds)


def status(guard: TokenGuard, authorization: str | None) -> int:
    """Return the status that a client with this header gets; 200 means that the write is allowed."""
    try:
        guard.check(authorization)
    except Problem as problem:
        return problem.status.value
    return 200


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        (f"Bearer {OLD}", 200),
        (f"bearer {OLD}", 200),
        (f"Bearer {NEW}", 401),
        (f"Bearer {OLD} ", 401),
        (f"Bearer  {OLD}", 401),
        (f"Bearer {OLD[:-1]}", 401),
        (f"Bearer {OLD}x", 401),
        ("Bearer ", 401),
        ("Bearer", 401),
        ("Bearer \xe9\u20ac", 401),
        (f"Basic {OLD}", 401),
        (OLD, 401),
        ("", 401),
        (None, 401),
    ],
)
def test_a_write_needs_exactly_the_token(authorization: str | None, expected: int) -> None:
    assert status(TokenGuard(Tokens(OLD).read), authorization) == expected


def test_two_tokens_are_valid_while_one_replaces_the_other() -> None:
    guard = TokenGuard(Tokens(NEW, OLD).read)
    assert [status(guard, f"Bearer {token}") for token in (OLD, NEW)] == [200, 200]


def test_an_unknown_token_causes_a_reread_of_the_secret(limit: Callable[..., None]) -> None:
    limit("REREAD", 0)
    tokens = Tokens(OLD)
    guard = TokenGuard(tokens.read)
    assert status(guard, f"Bearer {OLD}") == 200
    tokens.values = (NEW, OLD)
    assert status(guard, f"Bearer {NEW}") == 200


def test_a_revoked_token_is_refused_after_the_cache_expires(limit: Callable[..., None]) -> None:
    tokens = Tokens(OLD)
    guard = TokenGuard(tokens.read)
    assert status(guard, f"Bearer {OLD}") == 200
    tokens.values = (NEW,)
    assert status(guard, f"Bearer {OLD}") == 200
    limit("CACHE", 0)
    assert status(guard, f"Bearer {OLD}") == 401


def test_guessed_tokens_do_not_cause_a_read_each(limit: Callable[..., None]) -> None:
    limit("REREAD", 60)
    tokens = Tokens(OLD)
    guard = TokenGuard(tokens.read)
    assert {status(guard, f"Bearer guess-{number}") for number in range(50)} == {401}
    assert tokens.reads == 1


def test_the_last_known_tokens_stay_valid_for_a_time_while_the_secret_cannot_be_read(
    limit: Callable[..., None],
) -> None:
    limit("CACHE", 0)
    limit("REREAD", 0)
    tokens = Tokens(OLD)
    guard = TokenGuard(tokens.read)
    assert status(guard, f"Bearer {OLD}") == 200
    tokens.values = SecretError("away")
    assert [status(guard, f"Bearer {token}") for token in (OLD, NEW)] == [200, 401]
    limit("MAX_STALE", 0)
    assert [status(guard, f"Bearer {token}") for token in (OLD, NEW)] == [503, 503]


def test_writes_get_503_until_the_first_read_succeeds(limit: Callable[..., None]) -> None:
    limit("REREAD", 0)
    tokens = Tokens()
    tokens.values = SecretError("away")
    guard = TokenGuard(tokens.read)
    with pytest.raises(Problem) as refused:
        guard.check(f"Bearer {OLD}")
    assert refused.value.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert int(refused.value.headers["Retry-After"]) > 0
    tokens.values = (OLD,)
    assert status(guard, f"Bearer {OLD}") == 200


def test_concurrent_requests_share_one_read() -> None:
    tokens = Tokens(OLD)
    tokens.released.clear()
    guard = TokenGuard(tokens.read)
    with ThreadPoolExecutor(16) as threads:
        asking = [threads.submit(status, guard, f"Bearer {OLD}") for _ in range(16)]
        wait_until(lambda: tokens.reads == 1)
        tokens.released.set()
        assert {each.result() for each in asking} == {200}
    assert tokens.reads == 1


def test_a_slow_secrets_manager_does_not_delay_requests_with_a_valid_token(limit: Callable[..., None]) -> None:
    tokens = Tokens(OLD)
    guard = TokenGuard(tokens.read)
    guard.check(f"Bearer {OLD}")
    limit("CACHE", 0)
    tokens.released.clear()
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(guard.check, f"Bearer {OLD}")
        wait_until(lambda: tokens.reads == 2)
        assert status(guard, f"Bearer {OLD}") == 200
        assert not slow.done()
        tokens.released.set()
    assert tokens.reads == 2


@pytest.mark.parametrize("path", ["/beers", "/beers/seed"])
def test_a_write_without_the_token_is_refused_before_its_body_is_read(path: str) -> None:
    app = create_app(Settings(database_url="postgresql://me:hidden@localhost:9/beers", write_token=OLD))
    for headers, challenge in (({}, "Bearer realm"), ({"Authorization": f"Bearer {NEW}"}, "invalid_token")):
        refused = app.test_client().post(path, data="{", headers=headers)
        assert (refused.status_code, refused.mimetype) == (401, "application/problem+json")
        assert challenge in refused.headers["WWW-Authenticate"]
        assert NEW not in refused.text


def test_seeding_can_be_disabled() -> None:
    settings = Settings(database_url="postgresql://me:hidden@localhost:9/beers", seeding=False)
    refused = create_app(settings).test_client().post("/beers/seed")
    assert refused.status_code == 403
    assert refused.get_json()["type"] == "urn:taproom:problem:seeding-is-off"


@pytest.mark.parametrize(
    ("values", "tokens"),
    [((NEW, OLD), (NEW, OLD)), ((NEW, None), (NEW,)), ((NEW, "hidden"), (NEW,)), ((f"{NEW}\n", OLD), (OLD,))],
)
def test_each_version_of_the_secret_is_validated_on_its_own(
    client: "SecretsManagerClient",
    add_version: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
    values: tuple[str, str | None],
    tokens: tuple[str, ...],
) -> None:
    for value, stage in zip(values, ("AWSCURRENT", "AWSPREVIOUS"), strict=True):
        add_version(ARN, value, stage)
    assert read_tokens(client, ARN) == tokens
    is_reported = "Malformed write token ignored" in caplog.text
    assert is_reported == ({*values} - {None} != {*tokens})
    assert "hidden" not in caplog.text


@pytest.mark.parametrize(
    "value", ["hidden", "hidden" * 40, '{"token": "hidden-hidden-hidden"}', "hidden hidden hidden"]
)
def test_a_secret_that_is_not_a_bearer_token_is_refused_without_repeating_it(
    client: "SecretsManagerClient", add_version: Callable[..., None], value: str
) -> None:
    add_version(ARN, value)
    add_version(ARN, None, "AWSPREVIOUS")
    with pytest.raises(SecretError, match="is not a valid bearer token") as refused:
        read_tokens(client, ARN)
    assert "hidden" not in str(refused.value)
