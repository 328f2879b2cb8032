"""The rules of every workflow: least permissions, pinned actions, limits, and commands that people have too."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from devtools.checkout import CHECKOUT
from tests.support.workflow_expressions import evaluate, holds, interpolate
from tests.support.workflows import load

WORKFLOWS = load(CHECKOUT / ".github" / "workflows")
ACTION = yaml.safe_load((CHECKOUT / ".github" / "actions" / "prepare" / "action.yml").read_text())
PREPARE = "$/.github/actions/prepare"
CHECKS = WORKFLOWS["checks.yml"]["jobs"]["check"]["strategy"]["matrix"]["check"]
MAKEFILE = (CHECKOUT / "Makefile").read_text() + (CHECKOUT / "ci.mk").read_text()

# Jobs with more permissions than reading the code, with the reason.
MORE_THAN_READING = {
    ("deploy.yml", "apply"): {"id-token"},
    ("drift.yml", "drift"): {"id-token", "issues"},
    ("main.yml", "build"): {"id-token", "attestations"},
    ("main.yml", "dev"): {"id-token"},
    ("nightly.yml", "issue"): {"issues"},
    ("plan-and-deploy.yml", "deploy"): {"id-token"},
    ("plan-and-deploy.yml", "plan"): {"id-token"},
    ("plan.yml", "plan"): {"id-token"},
    ("pull-request.yml", "plan"): {"id-token", "pull-requests"},
    ("release.yml", "notes"): {"contents"},
    ("release.yml", "plan-prod"): {"id-token"},
    ("release.yml", "plan-staging"): {"id-token"},
    ("release.yml", "prod"): {"id-token"},
    ("release.yml", "staging"): {"id-token"},
    ("rollback.yml", "rollback"): {"id-token"},
    ("tag.yml", "start"): {"actions"},
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
    for step in ACTION["runs"]["steps"]:
        yield "prepare", step


def test_a_workflow_as_a_whole_has_no_permissions() -> None:
    assert [file for file, workflow in WORKFLOWS.items() if workflow["permissions"] != {}] == []


def test_a_job_has_only_the_listed_permissions() -> None:
    found = {}
    for file, name, job in jobs():
        writes = {scope for scope, access in job["permissions"].items() if access == "write"}
        assert {scope for scope in job["permissions"] if scope not in writes} <= {"attestations", "contents"}
        if writes:
            found[file, name] = writes
    assert found == MORE_THAN_READING


def test_a_job_that_calls_a_workflow_gives_what_that_ones_jobs_need() -> None:
    for _file, _name, job in jobs():
        if "uses" in job:
            called = WORKFLOWS[job["uses"].removeprefix("./.github/workflows/")]
            for needed in called["jobs"].values():
                assert needed["permissions"].items() <= job["permissions"].items()


def test_an_action_is_named_by_its_commit_with_the_release_beside_it() -> None:
    # An action by $/, which needs no checkout; a workflow by ./, for which GitHub's tokens have been seen (IAM-21).
    local = rf"\./\.github/workflows/[a-z-]+\.yml|{re.escape(PREPARE)}"
    for file in (CHECKOUT / ".github").rglob("*.yml"):
        for line in re.findall(r"uses: (.*)", file.read_text()):
            assert re.fullmatch(rf"{local}|[\w-]+/[\w-]+@[0-9a-f]{{40}} # v\d+(\.\d+)*", line)


def test_a_job_has_a_limit_of_time() -> None:
    limits = {f"{file} {name}": job.get("timeout-minutes") for file, name, job in jobs() if "steps" in job}
    assert limits.pop("nightly.yml test") == 120
    assert [name for name, limit in limits.items() if not isinstance(limit, int) or limit > 90] == []


def test_aws_is_reached_by_oidc_and_no_secret_is_kept() -> None:
    for file in (CHECKOUT / ".github").rglob("*.yml"):
        assert "secrets." not in file.read_text()
        assert "secrets: inherit" not in file.read_text()
    roles = {step["with"]["role-to-assume"] for _where, step in steps() if "configure-aws" in step.get("uses", "")}
    names = {name for role in roles for name in re.findall(r"vars\.(\w+)", role)}
    shared = {f"AWS_{role}_ROLE_ARN" for role in ("BUILD", "DEPLOY", "DRIFT", "PLAN", "RELEASE_PLAN")}
    others = {f"AWS_{role}_ROLE_ARN_{name}" for role in ("DRIFT", "RELEASE_PLAN") for name in ("STAGING", "PROD")}
    assert names == shared | others


def test_what_deploys_waits_its_turn_and_a_rollback_never_waits_for_an_approval_of_a_release() -> None:
    queues = {
        "dev": WORKFLOWS["main.yml"]["jobs"]["dev"]["concurrency"],
        "release": WORKFLOWS["release.yml"]["concurrency"],
        "rollback-${{ inputs.environment }}": WORKFLOWS["rollback.yml"]["concurrency"],
    }
    for group, settings in queues.items():
        assert settings == {"group": group, "cancel-in-progress": False, "queue": "max"}
    assert [
        name for name in ("plan.yml", "deploy.yml", "plan-and-deploy.yml") if "concurrency" in WORKFLOWS[name]
    ] == []


def test_what_is_applied_is_what_a_job_before_has_planned() -> None:
    assert [file for file, _name, job in jobs() if "environment" in job] == ["deploy.yml"]
    for _file, _name, job in jobs():
        if job.get("uses", "").endswith("/deploy.yml"):
            (plan,) = re.findall(r"needs\.(plan[a-z-]*)\.outputs\.plan ", job["with"]["plan"])
            assert plan in job["needs"]
            assert job["with"]["plan-sha256"] == f"${{{{ needs.{plan}.outputs.plan-sha256 }}}}"


@pytest.mark.parametrize("skipped", ["true", ""])
def test_a_commit_of_main_that_another_one_overtook_is_not_deployed_and_a_release_fails(skipped: str) -> None:
    deploy = WORKFLOWS["plan-and-deploy.yml"]["jobs"]["deploy"]
    contexts = {"needs": {"plan": {"outputs": {"skipped": skipped}}}}
    assert holds(deploy.get("if"), contexts, succeeded=True) != bool(skipped)
    skipping = {(file, name) for file, name, job in jobs() if job.get("with", {}).get("skip-older")}
    assert skipping == {("plan-and-deploy.yml", "plan")}


def test_a_job_with_a_role_or_a_token_that_can_write_restores_no_cache() -> None:
    for file, name, job in jobs():
        for step in job.get("steps", []):
            if step.get("uses") == PREPARE:
                privileged = "write" in job["permissions"].values()
                assert step.get("with", {}).get("cache", "true") == ("false" if privileged else "true"), (file, name)


@pytest.mark.parametrize("run", ["1", "", "2"])
@pytest.mark.parametrize(
    ("private", "variable", "attestable"), [(False, "", True), (True, "", False), (True, "true", True)]
)
def test_an_image_of_this_run_is_attested_where_github_keeps_attestations_and_else_the_run_says_so(
    *, run: str, private: bool, variable: str, attestable: bool
) -> None:
    contexts = {
        "github": {"event": {"repository": {"private": private}}, "run_id": 1},
        "steps": {"earlier": {"outputs": {"digest": "sha256:a", "run": run}}},
        "vars": {"ATTEST": variable},
    }
    attest, notice = WORKFLOWS["main.yml"]["jobs"]["build"]["steps"][-2:]
    assert holds(attest["if"], contexts, succeeded=True) == (attestable and run == "1")
    assert holds(notice["if"], contexts, succeeded=True) != attestable
    for file in ("plan.yml", "deploy.yml"):
        (job,) = WORKFLOWS[file]["jobs"].values()
        (verified,) = [step["env"]["ATTESTED"] for step in job["steps"] if "ATTESTED" in step.get("env", {})]
        assert interpolate(verified, contexts) == str(attestable).lower()


@pytest.mark.parametrize("checks", ["success", "failure", "cancelled", "skipped"])
@pytest.mark.parametrize("plan", ["success", "failure", "cancelled", "skipped"])
def test_the_required_check_passes_only_after_the_checks_and_a_plan_that_did_not_fail(checks: str, plan: str) -> None:
    assert set(WORKFLOWS["pull-request.yml"]["on"]) == {"pull_request", "merge_group"}
    job = WORKFLOWS["pull-request.yml"]["jobs"]["required"]
    contexts = {"needs": {"checks": {"result": checks}, "plan": {"result": plan}}}
    assert contexts["needs"].keys() == set(job["needs"])
    assert holds(job["if"], contexts, succeeded=False)
    passes = checks == "success" and plan in {"success", "skipped"}
    assert holds(job["steps"][0]["if"], contexts, succeeded=True) != passes


@pytest.mark.parametrize(("head", "role", "runs"), [("me", "arn", True), ("fork", "arn", False), ("me", "", False)])
def test_a_pull_request_from_a_fork_gets_no_credentials(head: str, role: str, *, runs: bool) -> None:
    event = {"pull_request": {"head": {"repo": {"full_name": f"{head}/taproom"}}}}
    github = {"repository": "me/taproom", "event": event}
    condition = WORKFLOWS["pull-request.yml"]["jobs"]["plan"]["if"]
    assert holds(condition, {"github": github, "vars": {"AWS_PLAN_ROLE_ARN": role}}, succeeded=True) is runs


@pytest.mark.parametrize("variables", [{}, {"AWS_DEPLOY_ROLE_ARN": "arn"}])
def test_a_deployment_without_environments_on_github_stops_with_what_to_do(variables: dict[str, str]) -> None:
    step = WORKFLOWS["deploy.yml"]["jobs"]["apply"]["steps"][0]
    assert holds(step["if"], {"vars": variables}, succeeded=True) == (not variables)
    assert "Run make github" in step["run"]


def test_every_command_of_make_that_a_workflow_calls_is_there() -> None:
    targets = set(re.findall(r"^([a-z][\w/.-]*):", MAKEFILE, re.MULTILINE))
    called = {name for _where, step in steps() for name in re.findall(r"\bmake ([\w/.-]+)", step.get("run", ""))}
    called |= {target for check in CHECKS for target in check["targets"].split()}
    assert len(called) > 10
    assert called <= targets


def test_a_step_calls_what_people_call() -> None:
    """Steps of several lines, or that do not call the Makefile, are listed here."""
    own = [step["run"] for _where, step in steps() if "run" in step and "exit 1" not in step["run"]]
    assert {run.strip() for run in own if not re.fullmatch(r"make [^\n|>]+", run.strip())} == {
        "set -o pipefail\nmake rehearse | tee rehearsal.txt",
        "{ echo '```text'; cat rehearsal.txt; echo '```'; } >> \"$GITHUB_STEP_SUMMARY\"",
        'gh workflow run release.yml --ref main --field tag="$TAG"',
        (
            'gh release view "$TAG" >/dev/null 2>&1 || '
            'gh release create "$TAG" --verify-tag --title "$TAG" --notes-file build/release-notes.md '
            "build/wheel/*.whl build/*.zip"
        ),
        'git checkout --quiet "$COMMIT" && make release-files',
        *(f'trap \'kill "$!"\' INT\nmake {target} & wait "$!" || wait "$!"' for target in ("apply", "roll-back")),
        'git checkout --quiet "$COMMIT"',
        'git checkout --quiet "$COMMIT" && make fetch-function',
        'echo "Not attested, because this repository is private (docs/releases.md)." >> "$GITHUB_STEP_SUMMARY"',
    }


def test_the_tests_run_on_every_python_that_is_supported() -> None:
    assert [check["python"] for check in CHECKS if "python" in check] == ["3.11", "3.12", "3.13", "3.14"]
    assert 'requires-python = ">=3.11"' in (CHECKOUT / "pyproject.toml").read_text()


def test_the_same_terraform_everywhere_but_where_the_newest_is_tested_too() -> None:
    default = ACTION["inputs"]["terraform"]["default"]
    assert [check["terraform"] for check in CHECKS if "terraform" in check] == [default, "latest"]
    given = {step["with"]["terraform"] for _where, step in steps() if "terraform" in step.get("with", {})}
    assert given == {f"${{{{ matrix.check.terraform || '{default}' }}}}"}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("inputs.name", "dev"),
        ("inputs.digest || 'none'", "none"),
        ("inputs.name == 'dev' && !inputs.digest", True),
        ("(inputs.name != 'dev') || steps.a-b.outputs.x == 'it''s'", True),
        ("no.such.context", ""),
    ],
)
def test_an_expression_means_what_github_says(expression: str, value: object) -> None:
    contexts = {"inputs": {"name": "dev", "digest": ""}, "steps": {"a-b": {"outputs": {"x": "it's"}}}}
    assert evaluate(expression, contexts) == value
    assert interpolate(f"a ${{{{ {expression} }}}}", contexts) == f"a {interpolate(value, contexts)}"


@pytest.mark.parametrize(
    ("environment", "variables", "found"),
    [
        ("prod", {"STATE_BUCKET": "shared"}, "shared"),
        ("dev", {"STATE_BUCKET": "devs", "STATE_BUCKET_PROD": "prods"}, "devs"),
        ("staging", {"STATE_BUCKET": "devs", "STATE_BUCKET_STAGING": "stagings"}, "stagings"),
        ("prod", {"STATE_BUCKET": "devs", "STATE_BUCKET_PROD": "prods"}, "prods"),
    ],
)
@pytest.mark.parametrize(("file", "name"), [("drift.yml", "matrix"), ("plan.yml", "inputs")])
def test_an_environment_is_planned_in_its_own_account(
    file: str, name: str, environment: str, variables: dict[str, str], found: str
) -> None:
    (job,) = WORKFLOWS[file]["jobs"].values()
    contexts = {name: {"environment": environment}, "vars": variables}
    assert interpolate(job["env"]["STATE_BUCKET"], contexts) == found
