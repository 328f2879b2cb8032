"""Rollbacks after a release with a migration, which the earlier version does not know; the tests run in this order.

The rollback by hand, by the workflow, is in test_release.py; that by the circuit breaker is in the demo.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from devtools.checkout import CHECKOUT
from rehearsal.terraform import TerraformError
from tests.support.rehearsal import (
    MIGRATIONS,
    Rehearsal,
    image_of_changed_service,
    migrations,
    quiet,
)
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(1800)]


def revision(rehearsal: Rehearsal) -> str:
    """Return the migration that the database is at."""
    return str(rehearsal.sql("SELECT version_num FROM beers.alembic_version")[0][0])


def tasks(rehearsal: Rehearsal) -> dict[str, dict[str, Any]]:
    """Return the service's running tasks by ARN."""
    ecs, cluster = rehearsal.aws("ecs"), rehearsal.outputs["cluster_name"]
    arns = ecs.list_tasks(cluster=cluster, desiredStatus="RUNNING")["taskArns"]
    described = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
    return {task["taskArn"]: task for task in described if task["lastStatus"] == "RUNNING"}


def interrupt(rehearsal: Rehearsal, task_arn: str) -> None:
    """Stop a task as AWS does when it reclaims Spot capacity."""
    cluster = rehearsal.outputs["cluster_name"]
    rehearsal.aws("ecs").stop_task(cluster=cluster, task=task_arn, reason="Spot interruption")


def serving(rehearsal: Rehearsal, task_definition: str, without: set[str]) -> Callable[[], bool]:
    """Return a condition: two healthy tasks of a definition run, and none of those to be replaced."""

    def holds() -> bool:
        running = tasks(rehearsal)
        healthy = [task for task in running.values() if task["healthStatus"] == "HEALTHY"]
        return not without & running.keys() and [task["taskDefinitionArn"] for task in healthy] == [task_definition] * 2

    return holds


def test_alarm_rolls_back_a_release_with_a_migration_that_is_healthy_and_answers_with_errors(
    rehearsal: Rehearsal, tmp_path: Path
) -> None:
    factory = (CHECKOUT / "app" / "__init__.py").read_text()
    broken = factory.replace("import Flask\n", "import Flask, request\n").replace(
        "    log_requests(app)\n",
        "    app.before_request(lambda: ('broken', 500) if request.path == '/beers' else None)\n",
    )
    changes, migrated = {**migrations(*MIGRATIONS), "app/__init__.py": broken}, "rehearsed_3"
    digest = image_of_changed_service(rehearsal, tmp_path, changes)
    replaced, *_ = tasks(rehearsal)
    # Enough, on a slow machine too, for the alarm: ten errors within a second, which stands for a minute.
    with rehearsal.load(8) as load:
        with ThreadPoolExecutor(1) as pool:
            applying: Future[Any] = pool.submit(rehearsal.deployment.apply_environment, digest, quiet)
            wait_until(lambda: applying.done() or revision(rehearsal) == migrated, "the migrations", 300)
            interrupt(rehearsal, replaced)
            error = applying.exception()
        # The alarm may go off before or after the apply ends: see ECS-4.
        assert error is None or isinstance(error, TerraformError)
        before = rehearsal.outputs["task_definition_arn"]
        wait_until(serving(rehearsal, before, {replaced}), "the earlier version's tasks")
        assert revision(rehearsal) == rehearsal.client.get("/readyz").body["revision"] == migrated
    events = [event["message"] for event in rehearsal.journal("service.event")]
    assert any("deployment failed: taproom-dev-target-errors is in ALARM." in event for event in events)
    assert {sent.outcome for sent in load.sent} == {200, 201, 500}
    assert [rehearsal.client.get("/beers").status for _ in range(20)] == [200] * 20


def test_spot_interruption_of_a_task_older_than_the_database_is_survived(rehearsal: Rehearsal) -> None:
    before = set(tasks(rehearsal))
    for task_arn in before:
        interrupt(rehearsal, task_arn)
    wait_until(serving(rehearsal, rehearsal.outputs["task_definition_arn"], before), "the replacements")
    assert rehearsal.client.get("/beers").status == 200
    for task_arn in tasks(rehearsal):
        (log,) = (rehearsal.run.logs / "tasks").glob(f"*-{task_arn.rpartition('/')[2]}-migrate.log")
        assert "Migration skipped, the database's revision is newer" in log.read_text()
