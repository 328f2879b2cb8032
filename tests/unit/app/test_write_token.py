"""Who may write, while tokens change and Secrets Manager comes and goes."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import pytest

from app import create_app
from app.api.problems import Problem
from app.api.write_token import OpenGuard, TokenError, TokenGuard
from app.settings import DatabaseUrl, FixedToken, Settings

OLD, NEW = "the-old-token-0123456789", "the-new-token-0123456789"


class Tokens:
    """What a guard reads, in place of Secrets Manager.

    Attributes:
        values: what the next reading gives; an error is raised.
        readings: how many there were.
    """

    def __init__(self, *values: str) -> None:
        self.values: tuple[str, ...] | TokenError = values
        self.readings = 0
        self.seconds = 0.0

    def read(self) -> tuple[str, ...]:
        self.readings += 1
        time.sleep(self.seconds)
        if isinstance(self.values, TokenError):
            raise self.values
        return self.values


def status(guard: TokenGuard | OpenGuard, authorization: str | None) -> int:
    """What a caller with this header gets; 200 stands for being let through."""
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
def test_only_the_very_token_opens(authorization: str | None, expected: int) -> None:
    assert status(TokenGuard(Tokens(OLD).read), authorization) == expected


def test_where_none_is_configured_everybody_may_write() -> None:
    assert status(OpenGuard(), None) == 200


def test_two_tokens_are_good_while_one_replaces_the_other() -> None:
    guard = TokenGuard(Tokens(NEW, OLD).read)
    assert [status(guard, f"Bearer {token}") for token in (OLD, NEW)] == [200, 200]


def test_a_token_made_since_the_last_reading_is_looked_for() -> None:
    tokens = Tokens(OLD)
    guard = TokenGuard(tokens.read, look_again_seconds=0)
    assert status(guard, f"Bearer {OLD}") == 200
    tokens.values = (NEW, OLD)
    assert status(guard, f"Bearer {NEW}") == 200


def test_a_good_token_is_not_read_again_for_each_request() -> None:
    tokens = Tokens(OLD)
    guard = TokenGuard(tokens.read)
    assert {status(guard, f"Bearer {OLD}") for _ in range(50)} == {200}
    assert tokens.readings == 1


def test_a_token_that_was_withdrawn_is_refused_after_the_next_reading() -> None:
    tokens = Tokens(OLD)
    guard = TokenGuard(tokens.read, cache_seconds=0.05)
    assert status(guard, f"Bearer {OLD}") == 200
    tokens.values = (NEW,)
    time.sleep(0.06)
    assert status(guard, f"Bearer {OLD}") == 401


def test_guesses_do_not_lead_to_readings_of_their_own() -> None:
    tokens = Tokens(OLD)
    guard = TokenGuard(tokens.read)
    assert {status(guard, f"Bearer guess-{number}") for number in range(50)} == {401}
    assert tokens.readings == 1


def test_the_last_tokens_stay_good_while_they_cannot_be_read() -> None:
    tokens = Tokens(OLD)
    guard = TokenGuard(tokens.read, cache_seconds=0, look_again_seconds=0)
    assert status(guard, f"Bearer {OLD}") == 200
    tokens.values = TokenError("away")
    assert [status(guard, f"Bearer {token}") for token in (OLD, NEW)] == [200, 401]


def test_before_the_first_reading_succeeds_nobody_may_write_and_everybody_may_try_again() -> None:
    tokens = Tokens()
    tokens.values = TokenError("away")
    guard = TokenGuard(tokens.read, look_again_seconds=0)
    with pytest.raises(Problem) as refused:
        guard.check(f"Bearer {OLD}")
    assert refused.value.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert int(refused.value.headers["Retry-After"]) > 0
    tokens.values = (OLD,)
    assert status(guard, f"Bearer {OLD}") == 200


def test_many_callers_at_once_share_one_reading() -> None:
    tokens = Tokens(OLD)
    tokens.seconds = 0.1
    guard = TokenGuard(tokens.read)
    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(lambda _: status(guard, f"Bearer {OLD}"), range(16))) == {200}
    assert tokens.readings == 1


def test_a_slow_secrets_manager_does_not_hold_up_those_with_a_good_token() -> None:
    tokens = Tokens(OLD)
    guard = TokenGuard(tokens.read, cache_seconds=0)
    guard.check(f"Bearer {OLD}")
    tokens.seconds = 1.0
    slow = threading.Thread(target=guard.check, args=(f"Bearer {OLD}",))
    slow.start()
    started = time.monotonic()
    assert status(guard, f"Bearer {OLD}") == 200
    assert time.monotonic() - started < 0.5
    slow.join()


@pytest.mark.parametrize("path", ["/beers", "/beers/seed"])
def test_a_write_without_the_token_is_refused_before_anything_of_it_is_read(path: str) -> None:
    app = create_app(Settings(DatabaseUrl("postgresql://me:hidden@localhost:9/beers"), write_token=FixedToken(OLD)))
    for headers, challenge in (({}, "Bearer realm"), ({"Authorization": f"Bearer {NEW}"}, "invalid_token")):
        refused = app.test_client().post(path, data="{", headers=headers)
        assert (refused.status_code, refused.mimetype) == (401, "application/problem+json")
        assert challenge in refused.headers["WWW-Authenticate"]
        assert NEW not in refused.text


def test_seeding_can_be_switched_off() -> None:
    settings = Settings(DatabaseUrl("postgresql://me:hidden@localhost:9/beers"), seeding_is_allowed=False)
    refused = create_app(settings).test_client().post("/beers/seed")
    assert refused.status_code == 403
    assert refused.get_json()["type"] == "urn:taproom:problem:seeding-is-off"
