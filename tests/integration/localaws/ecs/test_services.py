"""ECS services as Terraform and people meet them: tasks are processes behind a load balancer that answers."""

import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.ecs import REPOSITORY, Site
from tests.support.local_aws import ACCOUNT_ID, REGION, LocalAws, allow
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def site(aws: LocalAws) -> Site:
    return Site(aws)


@pytest.fixture
def beers(site: Site) -> Iterator[str]:
    """A steady service of two tasks; its name."""
    name = "beers"
    site.create_service(name, site.register("1"))
    wait_until(lambda: site.is_steady(name), "a steady service")
    yield name
    site.delete_service(name)


def get(site: Site, path: str = "/") -> dict[str, str]:
    with urllib.request.urlopen(site.url + path, timeout=60) as answer:
        environment: dict[str, str] = json.load(answer)
        return environment


def test_a_steady_service_answers_through_the_load_balancer_with_each_of_its_tasks(site: Site, beers: str) -> None:
    ports = {get(site)["PORT"] for _ in range(8)}
    assert len(ports) == 2
    service = site.service(beers)
    assert (service["runningCount"], service["pendingCount"]) == (2, 0)
    deployment = service["deployments"][0]
    assert (deployment["status"], deployment["rolloutState"]) == ("PRIMARY", "COMPLETED")
    assert service["events"][0]["message"] == "(service beers) has reached a steady state."


def test_a_process_gets_the_environment_of_its_container_and_nothing_else(site: Site, beers: str) -> None:
    environment = get(site)
    assert environment["VERSION"] == "1"
    assert environment["HOST"] == "127.0.0.1"
    assert environment["AWS_ENDPOINT_URL"] == site.aws.endpoint
    assert environment["AWS_EXECUTION_ENV"] == "AWS_ECS_FARGATE"
    assert "LOGIN_SECRET" not in environment
    allowed = {"PATH", "LANG", "TZ", "HOME", "TMPDIR", "HOST", "PORT", "VERSION", "LC_CTYPE"}
    assert {name for name in environment if not name.startswith("AWS_")} <= allowed


@pytest.mark.aws("ECS-2", "ECS-3")
def test_tasks_show_their_capacity_provider_and_ecs_stores_defaults(site: Site, beers: str) -> None:
    definition = site.register("2", linuxParameters={"capabilities": {"drop": ["ALL"]}})
    site.ecs.update_service(
        cluster="taproom",
        service=beers,
        taskDefinition=definition,
        capacityProviderStrategy=[
            {"capacityProvider": "FARGATE", "base": 1, "weight": 1},
            {"capacityProvider": "FARGATE_SPOT", "weight": 100},
        ],
    )
    wait_until(lambda: site.is_steady(beers), "tasks on both capacity providers")
    assert {task["capacityProviderName"] for task in site.tasks(beers)} == {"FARGATE", "FARGATE_SPOT"}
    described = site.ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]
    app = described["containerDefinitions"][1]
    assert app["linuxParameters"]["capabilities"] == {"add": [], "drop": ["ALL"]}


@pytest.mark.aws("ECS-14")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"image": f"{REPOSITORY}@sha256:{'0' * 64}"}, "CannotPullContainerError", id="image"),
        pytest.param({"command": ["no-such-program"]}, "CannotStartContainerError", id="program"),
        pytest.param({"command": ["python", "-c", "raise SystemExit(9)"]}, "container app, exit code 9", id="exit"),
        pytest.param(
            {
                "secrets": [
                    {"name": "S", "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:other-AbCdEf"}
                ]
            },
            "not authorized to perform: secretsmanager:GetSecretValue",
            id="permission",
        ),
        pytest.param(
            {
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {"awslogs-group": "/missing", "awslogs-stream-prefix": "task", "awslogs-region": REGION},
                }
            },
            "failed to create Cloudwatch log stream",
            id="log",
        ),
        pytest.param(
            {"task_role_arn": f"arn:aws:iam::{ACCOUNT_ID}:role/nobody"},
            "ECS was unable to assume the role",
            id="role",
        ),
    ],
)
def test_events_say_why_a_task_does_not_start(site: Site, beers: str, changes: dict[str, Any], reason: str) -> None:
    site.ecs.update_service(cluster="taproom", service=beers, taskDefinition=site.register("2", **changes))
    wait_until(lambda: any(reason in event["message"] for event in site.service(beers)["events"]), reason)
    wait_until(lambda: site.is_steady(beers), "the end of the rollback")
    assert get(site)["VERSION"] == "1"


@pytest.mark.aws("SSM-3")
@pytest.mark.parametrize(
    ("actions", "root_is_read_only", "status"),
    [("ssmmessages:*", False, "RUNNING"), ("ssmmessages:*", True, "STOPPED"), ("ssmmessages:Open*", False, "STOPPED")],
)
def test_the_agent_of_a_task_that_is_run_once_needs_its_permissions_and_a_writable_root(
    site: Site, actions: str, root_is_read_only: bool, status: str
) -> None:
    role = site.aws.make_role(f"agent-{secrets.token_hex(4)}", allow(actions), service="ecs-tasks.amazonaws.com")
    definition = site.register(task_role_arn=role, readonlyRootFilesystem=root_is_read_only)
    task = run_once(site, definition)
    wait_until(lambda: described(site, task)["lastStatus"] == "RUNNING", "the task")
    app = next(one for one in described(site, task)["containers"] if one["name"] == "app")
    assert app["managedAgents"] == [{"name": "ExecuteCommandAgent", "lastStatus": status}]
    site.ecs.stop_task(cluster="taproom", task=task)
    wait_until(lambda: described(site, task)["lastStatus"] == "STOPPED", "its end")


def test_a_task_without_a_role_is_refused_an_agent(site: Site) -> None:
    with pytest.raises(ClientError, match="taskRoleArn"):
        run_once(site, site.register(task_role_arn=""))


def run_once(site: Site, definition: str) -> str:
    """Run a task with the agent of ECS Exec; its ARN."""
    started = site.ecs.run_task(
        cluster="taproom", taskDefinition=definition, enableExecuteCommand=True, networkConfiguration=site.network
    )
    arn: str = started["tasks"][0]["taskArn"]
    return arn


def described(site: Site, task: str) -> dict[str, Any]:
    found: dict[str, Any] = site.ecs.describe_tasks(cluster="taproom", tasks=[task])["tasks"][0]
    return found
