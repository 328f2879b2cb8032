"""The page that shows the deployed whole, and what it does not show."""

import json
from typing import Any

import pytest

from rehearsal.run import Run
from tests.support.http import Client
from tests.support.rehearsal import Rehearsal
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(1800)]


def state(run: Run) -> dict[str, Any]:
    """Return what the page is given now."""
    assert run.ports
    return dict(Client(f"http://127.0.0.1:{run.ports.status}").get("/state.json").body)


def test_status_page_shows_resources_and_access(rehearsal: Rehearsal) -> None:
    seen = state(rehearsal.run)
    modules = {group["module"] for group in seen["resources"] if group["root"] == "dev"}
    assert {"network", "database", "database_access", "edge", "service"} <= modules
    for name, root in (("account", rehearsal.deployment.account), ("dev", rehearsal.deployment.environment)):
        managed = [one for one in json.loads(root.state())["resources"] if one["mode"] == "managed"]
        count = sum(group["count"] for group in seen["resources"] if group["root"] == name)
        assert count == sum(len(one["instances"]) for one in managed)
    roles = {role["name"]: role for role in seen["access"]["roles"]}
    assert roles["beers_owner"]["privileges"] == ["owns schema beers"]
    assert roles["beers_app"]["member_of"] == ["beers_writer"]
    assert seen["access"]["in_sync"] is True


def test_status_page_shows_each_task_with_the_login_of_its_sessions(rehearsal: Rehearsal) -> None:
    for _ in range(8):
        assert rehearsal.client.get("/beers").status == 200
    ecs = rehearsal.aws("ecs")
    arns = ecs.list_tasks(cluster="taproom-dev")["taskArns"]
    running = [task for task in state(rehearsal.run)["tasks"] if task["status"] == "RUNNING"]
    assert {task["id"] for task in running} == {arn.rpartition("/")[2] for arn in arns}
    for task in running:
        assert (task["target"], task["health"]) == ("healthy", "HEALTHY")
        assert all(image.startswith("sha256:") for image in task["images"])
        assert {session["login"] for session in task["sessions"]} <= {"beers_app_a", "beers_app_b"}
    assert sum(session["count"] for task in running for session in task["sessions"]) > 0


def test_status_page_shows_each_step_of_a_rotation(rehearsal: Rehearsal) -> None:
    def rotations() -> list[dict[str, Any]]:
        return list(state(rehearsal.run)["rotations"])

    before = rotations()
    rehearsal.begin_rotation()
    wait_until(lambda: (newest := rotations()[0]) not in before and newest["state"] == "succeeded", "the rotation")
    done = rotations()[0]
    steps = [step["step"] for step in done["steps"] if step["outcome"] == "done"]
    assert (done["name"], steps[-4:]) == ("beers_app", ["createSecret", "setSecret", "testSecret", "finishSecret"])


def test_status_page_shows_calls_and_no_secret(rehearsal: Rehearsal) -> None:
    seen = state(rehearsal.run)
    newest = seen["calls"]["newest"]
    assert any(call["action"] == "secretsmanager:PutSecretValue" and call["outcome"] == "allowed" for call in newest)
    secrets = rehearsal.secret_values()
    assert len(secrets) >= 4, "the master's, both logins', and the write token"
    assert [secret for secret in secrets if not secret or secret in json.dumps(seen)] == []
