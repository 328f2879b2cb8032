"""The role that each job on GitHub gets: tokens of every origin against the trust policies that Terraform creates."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from rehearsal.terraform import Terraform
from tests.support.account import PROJECT, REPOSITORY, VARIABLES
from tests.support.github_tokens import Repository, claims_of_job, is_trusted
from tests.support.local_aws import LocalAws

pytestmark = [pytest.mark.timeout(300), pytest.mark.aws("IAM-21")]

# Workflow file and GitHub environment of the job on main that each role is for.
JOBS = {
    "build": ("main.yml", ""),
    "deploy-dev": ("deploy.yml", "dev"),
    "deploy-prod": ("deploy.yml", "prod"),
    "drift": ("drift.yml", ""),
    "release-plan": ("plan.yml", ""),
}
BRANCH, TAG, PULL_REQUEST = "refs/heads/feature", "refs/tags/v9.9.9", "refs/pull/12/merge"
FORK = Repository(f"{'f' * 39}/{'r' * 100}", "31338", "31339")
RECREATED = replace(REPOSITORY, id="31337")
LEGACY: dict[str, Any] = {"repository": replace(REPOSITORY, has_immutable_subject=False)}
LEGACY_RECREATED: dict[str, Any] = {"repository": replace(RECREATED, has_immutable_subject=False)}
MAINS_FILE = {"workflow": f"{REPOSITORY.name}@refs/heads/main"}
ORIGINS: dict[str, dict[str, Any]] = {
    "a branch with modified workflows": {"ref": BRANCH},
    "a branch that calls main's workflows": {"ref": BRANCH, **MAINS_FILE},
    "main with a workflow of a branch": {"workflow": f"{REPOSITORY.name}@{BRANCH}"},
    "a tag on an unmerged commit": {"ref": TAG},
    "a tag that calls main's workflows": {"ref": TAG, **MAINS_FILE},
    "a re-created repository": {"repository": RECREATED},
    "a re-created owner": {"repository": replace(REPOSITORY, owner_id="31338", id="31337")},
    "a re-created repository with the legacy subject": LEGACY_RECREATED,
    "a renamed repository": {"repository": replace(REPOSITORY, name=f"{'o' * 39}/renamed")},
    "a transferred repository": {"repository": replace(REPOSITORY, name=FORK.name, owner_id=FORK.owner_id)},
    "a fork": {"repository": FORK},
    "a fork that calls main's workflows": {"repository": FORK, **MAINS_FILE},
    "the legacy subject without the opt-in": LEGACY,
}
Trust = dict[str, Any]


@pytest.fixture(scope="module")
def trust(aws: LocalAws, account: Terraform) -> Mapping[str, Trust]:
    """Return the trust policies of the account's roles by the roles' names without the project's."""
    roles = {one["RoleName"]: one["AssumeRolePolicyDocument"] for one in aws.client("iam").list_roles()["Roles"]}
    prefix = f"{PROJECT}-"
    return {name.removeprefix(prefix): document for name, document in roles.items() if name.startswith(prefix)}


@pytest.fixture(scope="module")
def legacy_trust(account: Terraform) -> Mapping[str, Trust]:
    """Return the same from a plan that opts in to the legacy subject."""
    plan = account.plan({**VARIABLES, "trust_legacy_subject": True})
    assert plan is not None
    roles = [one["change"]["after"] for one in plan["resource_changes"] if one["type"] == "aws_iam_role"]
    return {one["name"].removeprefix(f"{PROJECT}-"): json.loads(one["assume_role_policy"]) for one in roles}


def roles_for(trust: Mapping[str, Trust], file: str, environment: str = "", **origin: Any) -> set[str]:
    claims = claims_of_job(**{"repository": REPOSITORY, **origin}, file=file, environment=environment)
    return {name for name, policy in trust.items() if is_trusted(policy, claims)}


def test_a_job_on_main_gets_the_role_of_its_workflow_file_and_environment(trust: Mapping[str, Trust]) -> None:
    assert {role: roles_for(trust, *job) for role, job in JOBS.items()} == {role: {role} for role in JOBS}


@pytest.mark.parametrize("origin", ORIGINS.values(), ids=ORIGINS)
def test_no_job_gets_a_role_from(trust: Mapping[str, Trust], origin: dict[str, Any]) -> None:
    assert {role: roles_for(trust, *job, **origin) for role, job in JOBS.items()} == {role: set() for role in JOBS}


def test_no_job_of_another_workflow_file_or_environment_gets_a_role(trust: Mapping[str, Trust]) -> None:
    files = {file for file, _ in JOBS.values()} | {"nightly.yml", "release.yml", "rollback.yml"}
    for job in {(file, name) for file in files for name in ("", "dev", "prod", "qa")} - set(JOBS.values()):
        assert roles_for(trust, *job) == set(), job


@pytest.mark.parametrize("file", ["pull-request.yml", "main.yml", "deploy.yml"])
def test_a_pull_request_gets_only_the_role_that_reads(trust: Mapping[str, Trust], file: str) -> None:
    origin = {"ref": PULL_REQUEST, "event": "pull_request"}
    assert roles_for(trust, file, **origin) == {"plan"}
    others: tuple[dict[str, Any], ...] = ({"repository": FORK}, {"repository": RECREATED}, LEGACY, LEGACY_RECREATED)
    for other in others:
        assert roles_for(trust, file, **origin, **other) == set()
    assert roles_for(trust, file, "prod", **origin, **MAINS_FILE) == set()


def test_a_legacy_subject_is_trusted_after_the_opt_in_for_the_same_repository_alone(
    legacy_trust: Mapping[str, Trust],
) -> None:
    for role, job in JOBS.items():
        assert roles_for(legacy_trust, *job) == roles_for(legacy_trust, *job, **LEGACY) == {role}
        assert roles_for(legacy_trust, *job, **LEGACY_RECREATED) == set()
        assert roles_for(legacy_trust, *job, **LEGACY, ref=BRANCH) == set()
