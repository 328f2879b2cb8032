"""What every workflow promises: least permissions, pinned actions, limits, and commands that people have too."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from devtools.checkout import CHECKOUT
from tests.support.workflow_expressions import evaluate, holds, interpolate
from tests.support.workflows import Concurrency, load

WORKFLOWS = load(CHECKOUT / ".github" / "workflows")
ALL = pytest.mark.parametrize("workflow", WORKFLOWS.values(), ids=WORKFLOWS.keys())
MAKEFILE = (CHECKOUT / "Makefile").read_text() + (CHECKOUT / "ci.mk").read_text()

# Who may do more than read the code, and what for.
MORE_THAN_READING = {
    ("deploy.yml", "deploy"): {"id-token"},
    ("drift.yml", "look"): {"id-token", "issues"},
    ("main.yml", "dev"): {"id-token"},
    ("main.yml", "image"): {"id-token", "attestations"},
    ("pull-request.yml", "plan"): {"id-token", "pull-requests"},
    ("release.yml", "notes"): {"contents"},
    ("release.yml", "prod"): {"id-token"},
    ("release.yml", "staging"): {"id-token"},
    ("rollback.yml", "rollback"): {"id-token"},
}


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every job, with its workflow's file and its name."""
    for file, workflow in WORKFLOWS.items():
        for name, job in workflow["jobs"].items():
            yield file, name, job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for file, name, job in jobs():
        for step in job.get("steps", []):
            yield f"{file} {name}", step


@ALL
def test_a_workflow_as_a_whole_may_do_nothing(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {}


def test_a_job_may_read_the_code_and_what_is_listed_here() -> None:
    found = {}
    for file, name, job in jobs():
        writes = {scope for scope, access in job["permissions"].items() if access == "write"}
        assert {scope for scope in job["permissions"] if scope not in writes} <= {"contents"}
        if writes:
            found[file, name] = writes
    assert found == MORE_THAN_READING


def test_a_job_that_calls_a_workflow_gives_what_that_ones_jobs_need() -> None:
    for _file, _name, job in jobs():
        if "uses" in job:
            called = WORKFLOWS[job["uses"].removeprefix("$/.github/workflows/")]
            for needed in called["jobs"].values():
                assert needed["permissions"].items() <= job["permissions"].items()


def test_an_action_is_named_by_its_commit_with_the_release_beside_it() -> None:
    for file in (CHECKOUT / ".github" / "workflows").glob("*.yml"):
        for line in re.findall(r"uses: (.*)", file.read_text()):
            assert re.fullmatch(r"\$/\.github/workflows/[a-z-]+\.yml|[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+(\.\d+)*", line)


def test_an_action_is_taken_at_the_same_commit_everywhere() -> None:
    commits: dict[str, set[str]] = {}
    for _where, step in steps():
        if "uses" in step:
            name, _, commit = step["uses"].partition("@")
            commits.setdefault(name, set()).add(commit)
    assert {name: found for name, found in commits.items() if len(found) > 1} == {}


def test_a_job_has_a_limit_of_time() -> None:
    limits = {f"{file} {name}": job.get("timeout-minutes") for file, name, job in jobs() if "steps" in job}
    assert [name for name, limit in limits.items() if not isinstance(limit, int) or limit > 90] == []


def test_no_value_is_written_into_a_shells_text() -> None:
    assert [where for where, step in steps() if "${{" in step.get("run", "")] == []


def test_the_code_is_checked_out_without_leaving_the_jobs_token() -> None:
    checkouts = [step for _where, step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert len(checkouts) > 5
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_aws_is_reached_by_oidc_and_no_secret_is_kept() -> None:
    for file in (CHECKOUT / ".github").rglob("*.yml"):
        assert "secrets." not in file.read_text()
        assert "secrets: inherit" not in file.read_text()
    roles = {step["with"]["role-to-assume"] for _where, step in steps() if "configure-aws" in step.get("uses", "")}
    names = {name for role in roles for name in re.findall(r"vars\.(\w+)", role)}
    shared = {f"AWS_{role}_ROLE_ARN" for role in ("BUILD", "DEPLOY", "DRIFT", "PLAN")}
    assert names == shared | {f"AWS_DRIFT_ROLE_ARN_{environment}" for environment in ("STAGING", "PROD")}


def test_what_applies_is_one_at_a_time_in_an_environment_and_never_cut_off() -> None:
    applying = [(file, job) for file, _name, job in jobs() if any("make apply" in s.get("run", "") for s in _of(job))]
    assert [file for file, _job in applying] == ["deploy.yml"]
    assert applying[0][1]["concurrency"] == {"group": "deploy-${{ inputs.environment }}", "cancel-in-progress": False}
    assert WORKFLOWS["release.yml"]["concurrency"] == {"group": "release", "cancel-in-progress": False}


def test_a_pull_request_from_a_fork_gets_no_credentials() -> None:
    assert list(WORKFLOWS["pull-request.yml"]["on"]) == ["pull_request"], "not pull_request_target"
    condition = WORKFLOWS["pull-request.yml"]["jobs"]["plan"]["if"]
    github = {"repository": "me/taproom"}

    def runs(head: str, role: str) -> bool:
        event = {"pull_request": {"head": {"repo": {"full_name": head}}}}
        contexts = {"github": {**github, "event": event}, "vars": {"AWS_PLAN_ROLE_ARN": role}}
        return holds(condition, contexts, succeeded=True)

    assert runs("me/taproom", "arn")
    assert not runs("somebody/taproom", "arn")
    assert not runs("me/taproom", "")


def test_every_command_of_make_that_a_workflow_calls_is_there() -> None:
    targets = set(re.findall(r"^([a-z][\w/.-]*):", MAKEFILE, re.MULTILINE))
    called = {name for _where, step in steps() for name in re.findall(r"\bmake ([\w/.-]+)", step.get("run", ""))}
    assert len(called) > 10
    assert called <= targets


def test_a_step_calls_what_people_call() -> None:
    """What is more than one line, or calls nothing of the Makefile, is listed here."""
    own = [step["run"] for _where, step in steps() if "run" in step]
    assert {run.strip() for run in own if not re.fullmatch(r"make [^\n|>]+", run.strip())} == {
        "set -o pipefail\nmake rehearse | tee rehearsal.txt",
        "{ echo '```text'; cat rehearsal.txt; echo '```'; } >> \"$GITHUB_STEP_SUMMARY\"",
        'gh release create "$TAG" --verify-tag --title "$TAG" --notes-file build/release-notes.md',
        "git checkout --quiet \"$(git describe --tags --abbrev=0 --match 'v*' || echo HEAD)\"",
    }


def test_the_tests_run_on_every_python_that_is_supported() -> None:
    assert WORKFLOWS["checks.yml"]["jobs"]["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert 'requires-python = ">=3.11"' in (CHECKOUT / "pyproject.toml").read_text()


def test_the_same_terraform_everywhere_but_where_the_newest_is_tested_too() -> None:
    used = {step["with"]["terraform_version"] for _where, step in steps() if "setup-terraform" in step.get("uses", "")}
    tested = WORKFLOWS["checks.yml"]["jobs"]["terraform"]["strategy"]["matrix"]["version"]
    assert used == {tested[0], "${{ matrix.version }}"}
    assert tested[1:] == ["latest"]


def test_dependabot_watches_every_kind_of_dependency() -> None:
    text = (CHECKOUT / ".github" / "dependabot.yml").read_text()
    assert set(re.findall(r"package-ecosystem: ([\w-]+)", text)) == {"github-actions", "pip", "docker", "terraform"}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("inputs.name", "dev"),
        ("inputs.digest || 'none'", "none"),
        ("inputs.name == 'dev' && !inputs.digest", True),
        ("(inputs.name != 'dev') || steps.a-b.outputs.x == 'it''s'", True),
        ("no.such.context", None),
    ],
)
def test_an_expression_means_what_github_says(expression: str, value: object) -> None:
    contexts = {"inputs": {"name": "dev", "digest": ""}, "steps": {"a-b": {"outputs": {"x": "it's"}}}}
    assert evaluate(expression, contexts) == value
    assert interpolate(f"a ${{{{ {expression} }}}}", contexts) == f"a {interpolate(value, contexts)}".replace(
        "None", ""
    )


def test_a_step_runs_after_a_failure_only_if_it_asks_to() -> None:
    assert not holds(None, {}, succeeded=False)
    assert not holds("true == 'x' || 'y'", {}, succeeded=False)
    assert holds("${{ always() }}", {}, succeeded=False)
    assert holds("failure()", {}, succeeded=False)
    assert not holds("failure()", {}, succeeded=True)


def test_a_group_lets_one_in_at_a_time() -> None:
    group, inside = Concurrency(), []
    with group.held({"group": "a-${{ x }}", "cancel-in-progress": False}, {"x": 1}):
        inside.append(1)
        with group.held({"group": "a-${{ x }}", "cancel-in-progress": False}, {"x": 2}):
            inside.append(2)
    assert inside == [1, 2]


def _of(job: dict[str, Any]) -> list[dict[str, Any]]:
    steps_of: list[dict[str, Any]] = job.get("steps", [])
    return steps_of


@pytest.mark.parametrize(
    ("environment", "variables", "found"),
    [
        ("prod", {"STATE_BUCKET": "shared"}, "shared"),
        ("dev", {"STATE_BUCKET": "devs", "STATE_BUCKET_PROD": "prods"}, "devs"),
        ("staging", {"STATE_BUCKET": "devs", "STATE_BUCKET_STAGING": "stagings"}, "stagings"),
        ("prod", {"STATE_BUCKET": "devs", "STATE_BUCKET_PROD": "prods"}, "prods"),
    ],
)
def test_drift_is_looked_for_in_the_account_of_the_environment(
    environment: str, variables: dict[str, str], found: str
) -> None:
    (step,) = [step for step in WORKFLOWS["drift.yml"]["jobs"]["look"]["steps"] if step.get("id") == "plan"]
    contexts = {"matrix": {"environment": environment}, "vars": variables}
    assert interpolate(step["env"]["STATE_BUCKET"], contexts) == found
