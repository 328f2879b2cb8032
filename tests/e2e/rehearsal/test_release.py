"""The workflows' own steps, run here: from a commit on main to prod and back. The tests run in this order."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from rehearsal import deployment
from rehearsal.run import Run
from tests.support.github_api import github_api
from tests.support.http import Client
from tests.support.pipeline import ENVIRONMENTS, Pipeline, pipeline_on
from tests.support.workflows import FAILURE, SKIPPED, SUCCESS

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(900)]

# Answers its health checks, and nobody else.
DOES_NOT_SERVE = """
def create_app():
    def application(environ, start_response):
        healthy = environ["PATH_INFO"] in {"/livez", "/readyz"}
        start_response("200 OK" if healthy else "500 Internal Server Error", [("Content-Type", "text/plain")])
        return [b""]
    return application
"""


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Staging and prod, both with main's first image; applied at once, by the workflow that takes any digest."""
    run = Run(tmp_path_factory.mktemp("release") / "run")
    try:
        pipeline = pipeline_on(run)
        pipeline.commit({})
        digest = pushed(pipeline)
        with ThreadPoolExecutor(len(ENVIRONMENTS)) as pool:
            runs = [pool.submit(roll_back, pipeline, name, digest) for name in ENVIRONMENTS]
        for made in runs:
            assert made.result() == (SUCCESS, ""), made.result()[1]
        yield pipeline
    finally:
        deployment.stop_local_aws(run)
        run.clear()


def pushed(pipeline: Pipeline) -> str:
    """Let main build its newest commit; the digest."""
    result = pipeline.start("main.yml", "refs/heads/main")
    assert result.conclusions["image"] == SUCCESS, result.log
    return pipeline.story[-1][2].removeprefix("pushed ")


def roll_back(pipeline: Pipeline, environment: str, digest: str) -> tuple[str, str]:
    """Run the rollback by hand; how it ended, and what was said if not well."""
    result = pipeline.start("rollback.yml", "refs/heads/main", environment=environment, digest=digest)
    succeeded = result.conclusions["rollback"] == SUCCESS
    return result.conclusions["rollback"], "" if succeeded else result.log["rollback/deploy"][-2000:]


def tagged(pipeline: Pipeline, version: str, files: dict[str, str], branch: str = "main") -> None:
    """Commit a change with its line in the changelog, and tag it."""
    changelog = f"# Changelog\n\n## Unreleased\n\n## {version} - 2026-11-24\n\n- What {version} brings.\n"
    pipeline.commit({**files, "CHANGELOG.md": changelog}, branch)
    pipeline.git("tag", f"v{version}")


def deployed(pipeline: Pipeline) -> dict[str, str]:
    return {name: pipeline.deployed(name) for name in ENVIRONMENTS}


def test_a_tag_without_an_image_or_away_from_main_deploys_nothing(pipeline: Pipeline) -> None:
    before = deployed(pipeline)
    tagged(pipeline, "0.1.0", {})
    result = pipeline.start("release.yml", "refs/tags/v0.1.0")
    assert result.conclusions["staging/deploy"] == FAILURE
    assert "Only main builds images" in result.log["staging/deploy"]
    assert result.conclusions["prod"] == SKIPPED
    tagged(pipeline, "0.2.0", {}, branch="aside")
    result = pipeline.start("release.yml", "refs/tags/v0.2.0")
    assert "v0.2.0 is not on main" in result.log["tag"]
    assert [result.conclusions[job] for job in ("tag", "staging", "prod", "notes")] == [FAILURE, *[SKIPPED] * 3]
    pipeline.git("checkout", "--quiet", "main")
    assert deployed(pipeline) == before


def test_a_release_goes_to_staging_and_only_once_approved_to_prod(pipeline: Pipeline) -> None:
    before = deployed(pipeline)
    tagged(pipeline, "1.0.0", {"app/released.py": "VERSION = '1.0.0'\n"})
    digest = pushed(pipeline)
    result = pipeline.start("release.yml", "refs/tags/v1.0.0")
    assert set(result.conclusions.values()) == {SUCCESS}, result.log
    assert pipeline.at_approval["prod"] == {"staging": digest, "prod": before["prod"]}
    assert deployed(pipeline) == {"staging": digest, "prod": digest}
    assert all(Client(str(pipeline.url(name))).get("/beers").status == 200 for name in ENVIRONMENTS)
    released = (pipeline.run.folder / "gh.txt").read_text()
    assert released.startswith("release create v1.0.0 --verify-tag")
    assert "- What 1.0.0 brings." in released


def test_main_does_not_build_a_commit_twice(pipeline: Pipeline) -> None:
    story = list(pipeline.story)
    assert pipeline.start("main.yml", "refs/heads/main").conclusions["image"] == SUCCESS
    assert pipeline.story == story


def test_a_release_that_does_not_serve_stops_at_staging_and_a_rollback_mends_it(pipeline: Pipeline) -> None:
    good = deployed(pipeline)["prod"]
    kept = (pipeline.origin / "app" / "__init__.py").read_text()
    tagged(pipeline, "1.1.0", {"app/__init__.py": DOES_NOT_SERVE})
    bad = pushed(pipeline)
    result = pipeline.start("release.yml", "refs/tags/v1.1.0")
    assert result.conclusions["staging/deploy"] == FAILURE
    assert "/beers does not answer as it should: 500" in result.log["staging/deploy"]
    assert result.conclusions["prod"] == SKIPPED
    assert deployed(pipeline) == {"staging": bad, "prod": good}

    assert roll_back(pipeline, "staging", good) == (SUCCESS, "")
    assert deployed(pipeline) == {"staging": good, "prod": good}
    assert Client(str(pipeline.url("staging"))).get("/beers").status == 200
    assert roll_back(pipeline, "staging", "sha256:" + "0" * 64)[0] == FAILURE
    pipeline.commit({"app/__init__.py": kept})


def test_of_two_releases_at_once_the_second_waits_for_the_whole_of_the_first(pipeline: Pipeline) -> None:
    before = deployed(pipeline)
    tagged(pipeline, "1.2.0", {"app/released.py": "VERSION = '1.2.0'\n"})
    digest = pushed(pipeline)
    tagged(pipeline, "1.3.0", {})  # which has no image, so it does not get far
    pipeline.story.clear()
    pipeline.asked.clear()
    pipeline.answer.clear()
    pipeline.approves["prod"] = False
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(pipeline.start, "release.yml", "refs/tags/v1.2.0")
        assert pipeline.asked.wait(300)
        second = pool.submit(pipeline.start, "release.yml", "refs/tags/v1.3.0")
        while "release" not in pipeline.runner.concurrency.waiting:
            assert not second.done()
            time.sleep(0.1)
        pipeline.answer.set()
    assert [(ref, job) for ref, job, _ in pipeline.story] == [
        ("v1.2.0", "staging/deploy"),
        ("v1.2.0", "prod/deploy"),
        ("v1.3.0", "staging/deploy"),
    ]
    conclusions = first.result().conclusions
    assert [conclusions[job] for job in ("staging/deploy", "prod/deploy", "notes")] == [SUCCESS, FAILURE, SKIPPED]
    assert second.result().conclusions["staging/deploy"] == FAILURE
    assert deployed(pipeline) == {"staging": digest, "prod": before["prod"]}, "nobody approved"


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


def test_what_was_changed_by_hand_is_told_in_an_issue_of_its_environment(pipeline: Pipeline) -> None:
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
