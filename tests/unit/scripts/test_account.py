"""The repository that `make account` trusts."""

import pytest

from scripts.account import trusted_repository
from scripts.environment import CommandError
from scripts.github.api import Answer, GitHub

FOUND = Answer(200, body={"full_name": "Me/Taproom", "owner": {"id": 7}, "id": 8})
NAMED = {"GITHUB_REPOSITORY": "me/taproom"}
NUMBERS = {"GITHUB_OWNER_ID": "1001", "GITHUB_REPOSITORY_ID": "2002"}
KEPT = {"github_repository": "Me/Taproom", "github_owner_id": "7", "github_repository_id": "8"}


def github(answer: Answer) -> GitHub:
    return GitHub(lambda *_request: answer, sleep=lambda _seconds: None)


@pytest.mark.parametrize(
    ("environment", "kept", "expected"),
    [
        (NAMED, {}, ("Me/Taproom", "7", "8")),
        (NAMED | NUMBERS, {}, ("me/taproom", "1001", "2002")),
        ({}, KEPT | {"github_owner_id": "17"}, ("Me/Taproom", "17", "8")),
        ({}, {"github_repository": "me/taproom"}, ("Me/Taproom", "7", "8")),
        (NAMED, KEPT | {"github_repository_id": "18"}, ("Me/Taproom", "7", "8")),
    ],
    ids=["asked", "passed in", "kept", "kept by an earlier version", "re-created"],
)
def test_the_repository_and_its_numbers(
    environment: dict[str, str],
    kept: dict[str, str],
    expected: tuple[str, str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert tuple(trusted_repository(environment, kept, github(FOUND)).values()) == expected
    assert ("The roles trusted repository number 18" in capsys.readouterr().out) == ("18" in kept.values())


@pytest.mark.parametrize("status", [0, 403, 404, 429, 503])
def test_an_unknown_number_is_asked_for_with_the_command_that_shows_it(status: int) -> None:
    with pytest.raises(CommandError, match=r"gh api repos/me/taproom(?s:.*)GITHUB_OWNER_ID=\.\.\."):
        trusted_repository(NAMED, {}, github(Answer(status)))


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"GITHUB_REPOSITORY": "taproom"},
        NAMED | {"GITHUB_OWNER_ID": "1"},
        NAMED | NUMBERS | {"GITHUB_OWNER_ID": "me"},
    ],
)
def test_an_incomplete_name_or_number_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(CommandError, match="GITHUB_"):
        trusted_repository(environment, {}, github(FOUND))
