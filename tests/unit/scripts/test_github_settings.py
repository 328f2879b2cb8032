"""GitHub's desired settings, the requests that apply them, and the requests that are repeated."""

import json
import re
from contextlib import nullcontext
from typing import Any

import pytest

from scripts.environment import CommandError
from scripts.github.api import Answer, GitHub, GitHubError
from scripts.github.settings import changes, described_environment, desired_settings, parse, reduced, warning
from tests.support.github_api import ACCOUNT, SETTINGS

NAMES = ["dev", "staging", "prod"]
OWNER = {"type": "User", "id": 7, "name": "me"}
POLICY = {"protected_branches": False, "custom_branch_policies": True}


def settings_with(**outputs: Any) -> dict[str, Any]:
    return desired_settings(parse(SETTINGS, NAMES), NAMES, ACCOUNT | outputs, {"OWNER": OWNER})


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("prod:", "production:", "environments.production: there is no terraform/environment/production.tfvars"),
        ("[OWNER]", "[me@example.com]", "environments.prod.reviewers.0: String should match"),
        ("prevent_self_review: ", "self_review: ", "environments.prod.self_review: Extra inputs are not permitted"),
        ("rulesets:", "rules:", "rulesets: Field required"),
        ("workflow_permissions: {", "workflow_permissions: [", "is not YAML"),
    ],
)
def test_an_error_in_the_settings_file_is_named_with_its_place(old: str, new: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=re.escape(sentence)):
        parse(SETTINGS.replace(old, new, 1), NAMES)


def test_an_only_code_owner_is_warned_that_nobody_can_approve_their_pull_requests() -> None:
    def warned(owners: str, *, rule: bool = True) -> bool:
        text = re.sub("(code_owner_review): .*", rf"\1: {rule}", SETTINGS)
        return "names only @me" in warning(parse(text, NAMES), owners)

    assert warned("* @me\n# /db @me")
    assert [warned("* @me @you"), warned("* @acme/all"), warned("* @me", rule=False)] == [False] * 3


def test_each_account_sets_the_variables_of_its_environments_and_that_of_the_registry_the_repositorys() -> None:
    def values(**outputs: Any) -> dict[str, str]:
        made = settings_with(**outputs).items()
        return {path.replace("/variables", ""): body["value"] for path, body in made if "variables" in path}

    assert values(deploy_role_arns={"dev": "arn"})["actions/PLANNED_ENVIRONMENTS"] == "dev"
    assert "actions/PLANNED_ENVIRONMENTS" not in values()
    assert values()["actions/ENVIRONMENTS"] == json.dumps(sorted(NAMES))
    assert values(deploy_role_arns={"prod": "arn"}, build_role_arn=None) == {
        "environments/prod/AWS_DEPLOY_ROLE_ARN": "arn",
        "environments/prod/STATE_BUCKET": "states",
        "actions/STATE_BUCKET_PROD": "states",
        "actions/AWS_DRIFT_ROLE_ARN_PROD": "arn:drift",
        "actions/AWS_RELEASE_PLAN_ROLE_ARN_PROD": "arn:release_plan",
    }


def test_settings_that_were_added_by_hand_are_removed_but_variables_and_other_rulesets_stay() -> None:
    review = {"type": "required_reviewers", "reviewers": [{"type": "User", "reviewer": {"id": 8, "login": "you"}}]}
    desired = settings_with()
    found: dict[str, Any] = {
        **{path: {**body, "id": 9} if "rules" in body else body for path, body in desired.items()},
        "environments/dev": described_environment({"protection_rules": [review], "deployment_branch_policy": POLICY}),
        "environments/dev/deployment-branch-policies/tag v*": {"id": 3, "name": "v*", "type": "tag"},
        "actions/variables/MINE": {"name": "MINE", "value": ""},
        "rulesets/mine": {"rules": []},
    }
    found["rulesets/main"] = {**found["rulesets/main"], "rules": [{"type": "required_signatures"}]}
    assert [(change.method, change.path, change.body) for change in changes(desired, found)] == [
        ("PUT", "environments/dev", {"reviewers": None, "deployment_branch_policy": POLICY}),
        ("PUT", "rulesets/9", desired["rulesets/main"]),
        ("DELETE", "environments/dev/deployment-branch-policies/3", None),
    ]


def test_a_body_is_reduced_to_what_every_plan_has() -> None:
    assert reduced(settings_with()["environments/prod"]) == {"deployment_branch_policy": POLICY}
    assert reduced({"rules": [{"type": "merge_queue"}, {"type": "deletion"}]}) == {"rules": [{"type": "deletion"}]}
    assert reduced({"deployment_branch_policy": POLICY}) is reduced({"rules": []}) is reduced(None) is None


LIMITED = Answer(403, {"retry-after": "7"}, {"message": "You have exceeded a secondary rate limit"})
HOURLY = Answer(429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9999999999"}, {})
EXISTS = Answer(409, {}, {"message": "Already exists - Variable already exists"})


@pytest.mark.parametrize(
    ("answers", "pauses", "sentence"),
    [
        ([Answer(502), Answer(0), Answer(201)], [2, 4], ""),
        ([Answer(502), EXISTS], [2], ""),
        ([EXISTS], [], "GitHub refused"),
        ([Answer(503)] * 4, [2, 4, 8], "GitHub has a problem"),
        ([Answer(0, body="dial tcp: timeout")] * 4, [2, 4, 8], "GitHub cannot be reached"),
        ([LIMITED, Answer(201)], [7], ""),
        ([Answer(429)] * 4, [60, 60, 60], "GitHub limits the rate"),
        ([HOURLY], [], "GitHub limits the rate"),
        ([Answer(403, {}, {"message": "Resource not accessible"})], [], "a permission. (POST path: 403 Resource not"),
        ([Answer(404, {}, {"message": "Not Found"})], [], "does not exist, or the login cannot see it"),
        ([Answer(401)], [], "gh auth login"),
        ([Answer(422, {}, {"message": "Invalid", "errors": ["name is missing"]})], [], "Invalid name is missing"),
    ],
)
def test_a_request_is_repeated_within_bounds_or_refused_with_one_message(
    answers: list[Answer], pauses: list[float], sentence: str
) -> None:
    remaining, slept = iter(answers), list[float]()
    client = GitHub(lambda *_request: next(remaining), slept.append)
    with pytest.raises(GitHubError, match=re.escape(sentence)) if sentence else nullcontext():
        client.request("POST", "path", {})
    assert (slept, list(remaining)) == (pauses, [])
