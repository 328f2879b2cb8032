"""The workflows' own steps, run here: from a commit on main to prod and back, and to the end of both environments.

The tests run in this order.
"""

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from rehearsal.terraform import Terraform, TerraformError
from scripts.deployment import image_digest
from tests.support.github_api import github_api
from tests.support.pipeline import ENVIRONMENTS, Pipeline
from tests.support.provider import with_one_provider
from tests.support.rehearsal import ANSWERS_ONLY_HEALTH_CHECKS, MIGRATIONS, changes_of, migrations, quiet
from tests.support.statements import Statements, unneeded
from tests.support.waiting import wait_until
from tests.support.workflows import FAILURE, SKIPPED, SUCCESS

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(1800)]

ADDS_A_COLUMN = migrations(*MIGRATIONS[:1])


def commit_release(pipeline: Pipeline, files: dict[str, str], version: str, branch: str = "main") -> None:
    """Commit a change with its version and changelog, and tag it."""
    project = (pipeline.origin / "pyproject.toml").read_text()
    project = re.sub(r'^version = ".*"', f'version = "{version}"', project, flags=re.MULTILINE)
    changelog = f"# Changelog\n\n## Unreleased\n\n## {version} - 2026-11-24\n\n- What {version} brings.\n"
    pipeline.commit({**files, "CHANGELOG.md": changelog, "pyproject.toml": project}, branch)
    pipeline.git("tag", f"v{version}")


@contextmanager
def approvals_waiting(pipeline: Pipeline, *releases: str) -> Iterator[None]:
    """Let approvals for prod wait until the test gives them, or ends."""
    pipeline.answer |= {release: threading.Event() for release in releases}
    try:
        yield
    finally:
        for release in releases:
            pipeline.answer[release].set()


def deployed(pipeline: Pipeline) -> dict[str, str]:
    return {name: pipeline.deployed(name) for name in ENVIRONMENTS}


@pytest.fixture(scope="module")
def first(pipeline: Pipeline) -> str:
    """Return the digest that both environments run before the first release."""
    (digest,) = set(deployed(pipeline).values())
    return digest


def test_a_tag_without_an_image_or_away_from_main_deploys_nothing_and_gets_no_role(
    pipeline: Pipeline, first: str
) -> None:
    commit_release(pipeline, {}, "0.1.0")
    result = pipeline.release("v0.1.0")
    assert result.conclusions["plan-staging/plan"] == FAILURE
    assert "Only main builds images" in result.log["plan-staging/plan"]
    assert [result.conclusions[job] for job in ("staging", "prod")] == [SKIPPED] * 2
    commit_release(pipeline, {}, "0.2.0", branch="aside")
    result = pipeline.release("v0.2.0")
    assert "v0.2.0 is not on main" in result.log["check"]
    assert set(result.conclusions.values()) == {FAILURE, SKIPPED}
    own = {"environment": "staging", "commit": "", "digest": first}
    result = pipeline.start("plan-and-deploy.yml", "refs/tags/v0.2.0", **own)
    assert "Not authorized to perform sts:AssumeRoleWithWebIdentity" in result.log["plan/plan"]
    pipeline.git("checkout", "--quiet", "main")
    assert deployed(pipeline) == {"staging": first, "prod": first}


def test_a_release_reaches_prod_as_approved_and_is_rolled_back(pipeline: Pipeline, first: str) -> None:
    image_digest.keep(pipeline.aws("ecr"), {"repositoryName": "taproom"}, first, "prod-v0.9.0")
    engine = pipeline.origin / "db_bootstrap" / "__init__.py"
    changed = {**ADDS_A_COLUMN, "db_bootstrap/__init__.py": engine.read_text() + "# A change of the access function.\n"}
    commit_release(pipeline, changed, "1.0.0")
    digest = pipeline.push()
    with ThreadPoolExecutor(1) as pool, approvals_waiting(pipeline, "v1.0.0"):
        release = pool.submit(pipeline.release, "v1.0.0")
        wait_until(lambda: pipeline.asked["v1.0.0"].is_set() or release.done(), "an approval to be pending", 1200)
        assert deployed(pipeline) == {"staging": digest, "prod": first}
        assert "- Access does not change." in pipeline.summary("plan-prod/plan"), "the approver reads this"
        pipeline.answer["v1.0.0"].set()
        assert set(release.result().conclusions.values()) == {SUCCESS}, release.result().log
    assert deployed(pipeline) == {"staging": digest, "prod": digest}
    assert pipeline.built("release-prod-v1.0.0") == digest, "which never expires"
    notes = (pipeline.run.folder / "gh.txt").read_text()
    assert "release create v1.0.0 --verify-tag" in notes
    assert "- What 1.0.0 brings." in notes
    assert pipeline.roll_back("prod", first) == (SUCCESS, "")
    assert deployed(pipeline) == {"staging": digest, "prod": first}


@pytest.mark.nightly
def test_a_release_that_waits_for_its_approval_is_refused_after_a_rollback_and_the_next_one_waits_for_it(
    pipeline: Pipeline,
) -> None:
    digest = deployed(pipeline)["staging"]
    for version in ("1.0.1", "1.0.2"):
        commit_release(pipeline, {}, version)
        assert pipeline.push() == digest
    with ThreadPoolExecutor(2) as pool, approvals_waiting(pipeline, "v1.0.1", "v1.0.2"):
        release = pool.submit(pipeline.release, "v1.0.1")
        wait_until(lambda: pipeline.asked["v1.0.1"].is_set() or release.done(), "an approval to be pending", 1200)
        after = pool.submit(pipeline.release, "v1.0.2")
        wait_until(lambda: pipeline.runner.concurrency.entered("release") == 2 or after.done())
        assert pipeline.roll_back("prod", digest) == (SUCCESS, "")
        pipeline.answer["v1.0.1"].set()
        ended = release.result()
        assert (ended.conclusions["staging"], ended.conclusions["prod/apply"]) == (SUCCESS, FAILURE)
        assert ended.conclusions["notes"] == SKIPPED
        assert "Nothing was changed" in ended.log["prod/apply"]
        wait_until(lambda: pipeline.asked["v1.0.2"].is_set() or after.done(), "the next approval to be pending", 1200)
        pipeline.answer["v1.0.2"].set()
        assert set(after.result().conclusions.values()) == {SUCCESS}, after.result().log
    notes = (pipeline.run.folder / "gh.txt").read_text()
    assert "release create v1.0.1" not in notes
    assert "release create v1.0.2" in notes


def test_a_build_that_github_did_not_attest_is_attested_by_the_next_attempt_and_not_built_twice(
    pipeline: Pipeline,
) -> None:
    commit_release(pipeline, {"app/__init__.py": ANSWERS_ONLY_HEALTH_CHECKS}, "1.1.0")
    pipeline.pushed.clear()
    pipeline.is_attesting = False
    result = pipeline.start("main.yml")
    assert (result.conclusions["build"], result.conclusions["dev"]) == (FAILURE, SKIPPED)
    pipeline.is_attesting = True
    digest = pipeline.push()
    assert pipeline.pushed == [digest]
    assert digest in (pipeline.run.folder / "gh.txt.attested").read_text()


def test_a_release_that_does_not_serve_goes_back_at_staging_and_cannot_be_rolled_back_to(pipeline: Pipeline) -> None:
    before = deployed(pipeline)
    result = pipeline.release("v1.1.0")
    assert result.conclusions["staging/apply"] == FAILURE
    assert "/beers does not answer as it should: 500" in result.log["staging/apply"]
    assert result.conclusions["prod"] == SKIPPED
    assert deployed(pipeline) == before
    assert pipeline.client("staging").get("/beers").status == 200
    bad = pipeline.built(pipeline.git("rev-parse", "main"))
    for digest, sentence in ((bad, "never released to prod"), ("sha256:" + "0" * 64, "no image")):
        conclusion, said = pipeline.roll_back("prod", digest)
        assert (conclusion, sentence in said) == (SKIPPED, True), said
    pipeline.commit({"app/__init__.py": pipeline.git("show", "main~1:app/__init__.py") + "\n"})


def test_a_plan_that_is_no_longer_kept_is_refused(pipeline: Pipeline, first: str) -> None:
    commit = pipeline.git("rev-parse", "main~1")
    gone = {"plan": f"s3://{pipeline.terraform.account.outputs()['state_bucket_name']}/plans/prod/deleted"}
    inputs = {"environment": "prod", "commit": commit, "digest": first, "plan-sha256": "0" * 64, **gone}
    result = pipeline.start("deploy.yml", **inputs, release="", accept="", reason="")
    assert result.conclusions["apply"] == FAILURE
    assert "a plan is deleted after two days" in result.log["apply"]


def test_a_pull_request_shows_what_it_would_change_and_one_from_a_fork_does_not(pipeline: Pipeline) -> None:
    pipeline.commit({"app/released.py": "VERSION = 'next'\n"})
    with github_api() as github:
        pipeline.github = github.url
        assert pipeline.propose("fork/taproom").conclusions["plan"] == SKIPPED
        assert github.changes == []
        result = pipeline.propose("example/taproom")
        assert result.conclusions["plan"] == SUCCESS, result.log["plan"]
        ((_, path, comment),) = github.changes
    assert path == "issues/12/comments"
    dev, _, prod = comment["body"].partition("## prod")
    assert "Not applied yet" in dev
    assert "Nothing to change." in prod
    assert "```sql\n-- " in prod


def test_drift_of_one_environment_is_reported_in_its_issue_and_the_other_has_none(pipeline: Pipeline) -> None:
    logs = pipeline.aws("logs")
    (group,) = logs.describe_log_groups(logGroupNamePrefix="/ecs/taproom-prod")["logGroups"]
    logs.put_retention_policy(logGroupName=group["logGroupName"], retentionInDays=1)
    with github_api() as github:
        pipeline.github = github.url
        result = pipeline.start("drift.yml")
        assert result.conclusions["drift"] == SUCCESS, result.log["drift-prod"][-3000:]
        ((method, path, issue),) = github.changes
    assert (method, path) == ("POST", "issues")
    assert issue["title"].startswith("prod ")
    assert "retention_in_days" in issue["body"]


def test_a_second_plan_of_the_account_is_empty(pipeline: Pipeline) -> None:
    assert changes_of(pipeline.terraform.plan_account()) == {}


def test_a_destroy_is_refused_while_prod_is_protected_and_then_leaves_only_what_restores_the_data(
    pipeline: Pipeline, statements_folder: Path
) -> None:
    environments = [pipeline.deployment(name) for name in ENVIRONMENTS]
    statements = Statements()
    statements.add_declared(pipeline.terraform.account, *(one.environment for one in environments))
    with ExitStack() as providers:
        for one in environments:
            providers.enter_context(with_one_provider(one.environment))
        staging, prod = environments
        with pytest.raises(TerraformError, match=r"confirm_the_destruction.* has lifecycle\.prevent_destroy set"):
            prod.destroy_environment(quiet)
        for one in environments:
            confirm_the_destruction(one.environment)
        unprotect(pipeline, "staging")
        with ThreadPoolExecutor() as pool:
            meanwhile = pool.submit(staging.destroy_environment, quiet)
            with pytest.raises(TerraformError, match="protection"):
                prod.destroy_environment(quiet)
            unprotect(pipeline, "prod")
            prod.destroy_environment(quiet)
            meanwhile.result()
    registry = pipeline.aws("ecr")
    images = registry.list_images(repositoryName="taproom")["imageIds"]
    registry.batch_delete_image(repositoryName="taproom", imageIds=images)
    pipeline.terraform.destroy_account(quiet)
    statements.add_decisive(pipeline.run.logs)
    statements.save(statements_folder, "prod")
    left = pipeline.run.ask("resources")["resources"]
    kinds = [re.sub(r"(?<=[:-])[0-9]+.*|(?<=beers_)[a-z]+-.*|(?<=/write-token-).*", "...", entry) for entry in left]
    assert sorted(set(kinds)) == [
        "rds snapshot rds:taproom-prod-...",  # the latest automated backup
        "rds snapshot rds:taproom-staging-...",
        "rds snapshot taproom-prod-final-...",
        "rds snapshot taproom-staging-final-...",
        "route53 zone example.com.",  # which people brought along
        "secretsmanager secret taproom-prod/database/beers_...",  # can be restored for thirty days
        "secretsmanager secret taproom-prod/service/write-token-...",
        "secretsmanager secret taproom-staging/database/beers_...",
        "secretsmanager secret taproom-staging/service/write-token-...",
    ]


def confirm_the_destruction(environment: Terraform) -> None:
    """Remove the database's guard from the state, as `terraform state rm` does."""
    state = json.loads(environment.state())
    state["resources"] = [one for one in state["resources"] if one["name"] != "confirm_the_destruction"]
    environment.put_state(json.dumps(state | {"serial": state["serial"] + 1}))


def unprotect(pipeline: Pipeline, environment: str) -> None:
    """Do what a person does by hand before a destroy. moto does not protect load balancers: they may be gone."""
    balancers, databases = pipeline.aws("elbv2"), pipeline.aws("rds")
    for balancer in balancers.describe_load_balancers()["LoadBalancers"]:
        if balancer["LoadBalancerName"].startswith(f"taproom-{environment}"):
            balancers.modify_load_balancer_attributes(
                LoadBalancerArn=balancer["LoadBalancerArn"],
                Attributes=[{"Key": "deletion_protection.enabled", "Value": "false"}],
            )
    for instance in databases.describe_db_instances()["DBInstances"]:
        name = instance["DBInstanceIdentifier"]
        if name.startswith(f"taproom-{environment}"):
            databases.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False)


def test_each_policy_statement_has_decided_a_request(statements_folder: Path) -> None:
    assert unneeded(statements_folder) == set()
