"""The workflows' own steps, run here: from a commit on main to prod and back, and to the end of both environments.

The tests run in this order.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rehearsal.terraform import TerraformError
from scripts.image_digest import find
from tests.support.github_api import github_api
from tests.support.pipeline import ENVIRONMENTS, Pipeline
from tests.support.rehearsal import ANSWERS_ONLY_HEALTH_CHECKS, MIGRATIONS, changes_of, migrations, quiet
from tests.support.statements import Statements, needless
from tests.support.waiting import wait_until
from tests.support.workflows import FAILURE, SKIPPED, SUCCESS

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(1800)]

ADDS_A_COLUMN = migrations(*MIGRATIONS[:1])


def commit_release(pipeline: Pipeline, files: dict[str, str], *versions: str, branch: str = "main") -> None:
    """Commit a change with the changelog of its versions, and tag it with them."""
    sections = "\n".join(f"## {version} - 2026-11-24\n\n- What {version} brings.\n" for version in versions)
    pipeline.commit({**files, "CHANGELOG.md": f"# Changelog\n\n## Unreleased\n\n{sections}"}, branch)
    for version in versions:
        pipeline.git("tag", f"v{version}")


def deployed(pipeline: Pipeline) -> dict[str, str]:
    return {name: pipeline.deployed(name) for name in ENVIRONMENTS}


@pytest.fixture(scope="module")
def first(pipeline: Pipeline) -> str:
    """Return the digest that both environments run before the first release."""
    (digest,) = set(deployed(pipeline).values())
    return digest


def test_a_tag_without_an_image_or_away_from_main_deploys_nothing(pipeline: Pipeline, first: str) -> None:
    commit_release(pipeline, {}, "0.1.0")
    result = pipeline.start("release.yml", "refs/tags/v0.1.0")
    assert result.conclusions["staging/deploy"] == FAILURE
    assert "Only main builds images" in result.log["staging/deploy"]
    assert result.conclusions["prod"] == SKIPPED
    commit_release(pipeline, {}, "0.2.0", branch="aside")
    result = pipeline.start("release.yml", "refs/tags/v0.2.0")
    assert "v0.2.0 is not on main" in result.log["tag"]
    assert [result.conclusions[job] for job in ("tag", "staging", "prod", "notes")] == [FAILURE, *[SKIPPED] * 3]
    pipeline.git("checkout", "--quiet", "main")
    assert deployed(pipeline) == {"staging": first, "prod": first}


def test_a_release_reaches_prod_once_approved_and_the_next_release_waits_for_it(pipeline: Pipeline, first: str) -> None:
    commit_release(pipeline, ADDS_A_COLUMN, "1.0.0", "1.0.1")
    digest = pipeline.push()
    pipeline.story.clear()
    pipeline.asked.clear()
    pipeline.answer.clear()
    pipeline.refused.add("v1.0.1")
    with ThreadPoolExecutor(2) as pool:
        release = pool.submit(pipeline.start, "release.yml", "refs/tags/v1.0.0")
        wait_until(lambda: pipeline.asked.is_set() or release.done(), "an approval to be pending", 600)
        assert deployed(pipeline) == {"staging": digest, "prod": first}
        after = pool.submit(pipeline.start, "release.yml", "refs/tags/v1.0.1")
        wait_until(lambda: "release" in pipeline.runner.concurrency.waiting or after.done())
        pipeline.answer.set()
    assert set(release.result().conclusions.values()) == {SUCCESS}, release.result().log
    assert deployed(pipeline) == {"staging": digest, "prod": digest}
    assert all(pipeline.client(name).get("/beers").status == 200 for name in ENVIRONMENTS)
    assert find(pipeline.aws("ecr"), {"repositoryName": "taproom"}, {"imageTag": "release-v1.0.0"}) == digest, (
        "which never expires"
    )
    notes = (pipeline.run.folder / "gh.txt").read_text()
    assert notes.startswith("release create v1.0.0 --verify-tag")
    assert "- What 1.0.0 brings." in notes
    conclusions = after.result().conclusions
    assert [conclusions[job] for job in ("staging/deploy", "prod/deploy", "notes")] == [SUCCESS, FAILURE, SKIPPED]
    assert "v1.0.1" not in notes, "approval was refused"
    assert [(ref, job) for ref, job, _ in pipeline.story] == [
        ("v1.0.0", "staging/deploy"),
        ("v1.0.0", "prod/deploy"),
        ("v1.0.1", "staging/deploy"),
        ("v1.0.1", "prod/deploy"),
    ]


def test_main_does_not_build_a_commit_twice(pipeline: Pipeline) -> None:
    story = list(pipeline.story)
    assert pipeline.start("main.yml", "refs/heads/main").conclusions["image"] == SUCCESS
    assert pipeline.story == story


def test_a_release_that_does_not_serve_stops_at_staging(pipeline: Pipeline) -> None:
    good = deployed(pipeline)["prod"]
    kept = (pipeline.origin / "app" / "__init__.py").read_text()
    commit_release(pipeline, {"app/__init__.py": ANSWERS_ONLY_HEALTH_CHECKS}, "1.1.0")
    bad = pipeline.push()
    result = pipeline.start("release.yml", "refs/tags/v1.1.0")
    assert result.conclusions["staging/deploy"] == FAILURE
    assert "/beers does not answer as it should: 500" in result.log["staging/deploy"]
    assert result.conclusions["prod"] == SKIPPED
    assert deployed(pipeline) == {"staging": bad, "prod": good}
    pipeline.commit({"app/__init__.py": kept})


def test_rollback_by_hand_to_the_version_before_a_migration_serves_on_the_migrated_database(
    pipeline: Pipeline, first: str
) -> None:
    assert pipeline.client("prod").get("/readyz").body["revision"] == "rehearsed_1"
    assert pipeline.roll_back("staging", first) == (SUCCESS, "")
    assert deployed(pipeline)["staging"] == first
    ready = pipeline.client("staging").get("/readyz")
    assert (ready.status, ready.body["revision"]) == (200, "rehearsed_1"), "every task started on the newer database"
    assert pipeline.client("staging").get("/beers").status == 200
    assert pipeline.roll_back("staging", "sha256:" + "0" * 64)[0] == FAILURE


def test_a_pull_request_shows_what_it_would_change_and_one_from_a_fork_does_not(pipeline: Pipeline) -> None:
    pipeline.commit({"app/released.py": "VERSION = 'next'\n"})
    with github_api() as github:
        pipeline.github = github.url
        assert pipeline.propose("somebody/taproom").conclusions["plan"] == SKIPPED
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
        result = pipeline.start("drift.yml", "refs/heads/main")
    assert result.conclusions["look"] == SUCCESS, result.log["look-prod"][-3000:]
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
    statements.take_declared(pipeline.terraform.account, *(one.environment for one in environments))
    with pytest.raises(TerraformError, match="protection"):
        pipeline.deployment("prod").destroy_environment(quiet)
    unprotect(pipeline)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda one: one.destroy_environment(quiet), environments))
    pipeline.terraform.destroy_account(quiet)
    statements.take_decisive(pipeline.run.logs)
    statements.leave(statements_folder, "prod")
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


def unprotect(pipeline: Pipeline) -> None:
    """Do what a person does by hand before a destroy. moto does not protect load balancers: they may be gone."""
    balancers, databases, registry = (pipeline.aws(service) for service in ("elbv2", "rds", "ecr"))
    for balancer in balancers.describe_load_balancers()["LoadBalancers"]:
        balancers.modify_load_balancer_attributes(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Attributes=[{"Key": "deletion_protection.enabled", "Value": "false"}],
        )
    for instance in databases.describe_db_instances()["DBInstances"]:
        databases.modify_db_instance(DBInstanceIdentifier=instance["DBInstanceIdentifier"], DeletionProtection=False)
    images = registry.list_images(repositoryName="taproom")["imageIds"]
    registry.batch_delete_image(repositoryName="taproom", imageIds=images)


def test_each_policy_statement_has_decided_a_request(statements_folder: Path) -> None:
    assert needless(statements_folder) == set()
