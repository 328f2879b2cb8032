"""`make github`, `make github-check`, and comments, against a program ``gh`` that keeps a repository in a file."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.github import comments, settings
from scripts.github.api import GitHub
from tests.support.github_api import ACCOUNT, SETTINGS, GitHubApi, github_api, install_gh

REVIEWERS = "Please ensure the billing plan supports the required reviewers protection rule."
UPGRADE = "Upgrade to GitHub Pro or make this repository public to enable this feature."


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHubApi]:
    outputs = json.dumps({name: {"value": value} for name, value in ACCOUNT.items()})
    terraform = tmp_path / "terraform"
    terraform.write_text(f"#!/bin/sh\n[ \"$1\" = init ] || echo '{outputs}'\n")
    terraform.chmod(0o755)
    install_gh(tmp_path)
    monkeypatch.setattr(settings, "FILE", tmp_path / "settings.yml")
    (tmp_path / "settings.yml").write_text(SETTINGS)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with github_api() as api:
        monkeypatch.setenv("GITHUB_STATE", api.url)
        yield api


def configure(github: GitHub, *arguments: str) -> int:
    return settings.main(list(arguments), {"YES": "1"}, github)


def without_process(api: GitHubApi) -> GitHub:
    return GitHub(api.send, lambda _seconds: None)


def test_settings_are_applied_once_and_a_change_by_hand_is_reported_and_reverted(
    api: GitHubApi, capsys: pytest.CaptureFixture[str]
) -> None:
    assert configure(GitHub()) == 0
    applied = api.read()["entries"]
    assert configure(GitHub(), "--check") == configure(without_process(api)) == 0
    assert "repos/example/taproom has the settings of " in capsys.readouterr().out
    prod = "repos/example/taproom/environments/prod"
    api.add(prod, {**applied[prod], "protection_rules": []})
    api.add(f"{prod}/variables/AWS_DEPLOY_ROLE_ARN", {"name": "AWS_DEPLOY_ROLE_ARN", "value": "arn:mine"})
    assert configure(without_process(api), "--check") == 1
    output = capsys.readouterr().out
    assert "environments/prod: reviewers is [], should be [{'type': 'User', 'id': 7, 'name': 'example'}]" in output
    assert "AWS_DEPLOY_ROLE_ARN: value is arn:mine, should be arn:prod" in output
    assert configure(without_process(api)) == 0
    assert api.read()["entries"][prod] == applied[prod]
    assert configure(without_process(api), "--check") == 0


@pytest.mark.parametrize(
    ("request_", "status", "sentence"),
    [
        ("POST .*/actions/variables", 502, "GitHub has a problem"),
        ("PUT .*/environments/prod", 403, "lacks a permission"),
        ("POST .*/rulesets", 429, "limits the rate"),
    ],
)
def test_an_interrupted_run_says_why_and_the_next_one_continues(
    request_: str, status: int, sentence: str, api: GitHubApi, capsys: pytest.CaptureFixture[str]
) -> None:
    api.fail(request_, status, "no", times=1 if status == 403 else 4)
    assert configure(without_process(api)) == 1
    assert api.changes != []
    assert sentence in capsys.readouterr().err
    assert configure(without_process(api)) == configure(without_process(api), "--check") == 0
    requests = [(method, path, json.dumps(body)) for method, path, body in api.changes]
    assert len(set(requests)) == len(requests), "nothing is done twice"


@pytest.mark.parametrize(
    ("refusal", "missing"),
    [
        (("PUT .*/environments/prod", 422, REVIEWERS, 1), set()),
        (("(GET|POST) .*/rulesets", 403, UPGRADE, -1), {"rulesets"}),
        (("(GET|PUT) .*/environments", 404, UPGRADE, -1), {"environments/prod/variables"}),
    ],
    ids=["private, Team", "private, Free: rulesets", "private, Free: environments"],
)
def test_a_setting_that_the_plan_lacks_is_reported_and_the_others_are_applied(
    refusal: tuple[str, int, str, int], missing: set[str], api: GitHubApi, capsys: pytest.CaptureFixture[str]
) -> None:
    api.fail(*refusal)
    assert configure(without_process(api)) == 0
    assert refusal[2] in capsys.readouterr().out
    paths = {path for _method, path, _body in api.changes}
    assert {"rulesets", "actions/variables", "environments/prod/variables"} - paths == missing


@pytest.mark.parametrize(
    ("path", "entry", "sentence"),
    [
        ("repos/example/taproom", {"permissions": {"admin": False}}, "not an administrator of example/taproom"),
        ("repos/example/taproom", {"default_branch": "master"}, "branches/master/rename -f new_name=main"),
        ("users/example", {"type": "Organization"}, "Name a user, or a team such as example/platform"),
    ],
)
def test_a_login_an_owner_or_a_default_branch_that_cannot_be_used_is_refused_before_any_change(
    path: str, entry: Any, sentence: str, api: GitHubApi, capsys: pytest.CaptureFixture[str]
) -> None:
    api.add(path, {**api.read()["entries"][path], **entry})
    assert configure(without_process(api)) == 1
    assert sentence in capsys.readouterr().err
    assert api.changes == []


def test_a_pull_request_has_one_comment_within_githubs_limit(api: GitHubApi) -> None:
    for number in range(40):  # more than a page, of people who quote the mark
        quoted = {"user": {"type": "User"}, "body": "<!-- plan -->\nquoted"}
        api.add(f"repos/me/taproom/issues/12/comments/9{number}", quoted)
    for text in ("one", "x" * 70_000):
        comments.keep_comment(without_process(api), "me/taproom", 12, "<!-- plan -->", text)
    (post, first), (patch, second) = [(method, body["body"]) for method, _path, body in api.changes]
    assert (post, first, patch) == ("POST", "<!-- plan -->\none", "PATCH")
    assert len(second) == 65_536
    assert second.endswith("The job's log has the rest.)\n")


def test_drift_is_one_issue_that_is_closed_when_it_is_gone(api: GitHubApi) -> None:
    for text in (None, "a", "b", None, "c"):
        comments.keep_issue(without_process(api), "me/taproom", "prod", "<!-- drift prod -->", text)
    states = [(method, body.get("state")) for method, _path, body in api.changes]
    assert states == [("POST", None), ("PATCH", None), ("PATCH", "closed"), ("POST", None)]
