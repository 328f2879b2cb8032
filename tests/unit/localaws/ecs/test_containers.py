"""The order in which containers start, and the end of their task."""

from typing import Any

import pytest

from localaws.ecs.containers import (
    Container,
    Progress,
    Step,
    TaskDefinitionError,
    next_step,
    read_containers,
)

MIGRATE = Container("migrate", "image", essential=False)
APP = Container("app", "image", depends_on=("migrate",))


def ended(code: int) -> Progress:
    return Progress(started=True, exit_code=code)


@pytest.mark.aws("ECS-13")
@pytest.mark.parametrize(
    ("migrate", "expected"),
    [
        pytest.param(Progress(), Step(start=("migrate",)), id="the first one starts alone"),
        pytest.param(Progress(started=True), Step(), id="SUCCESS waits while it runs"),
        pytest.param(ended(0), Step(start=("app",)), id="SUCCESS is met by exit code 0"),
    ],
)
def test_a_container_starts_when_its_dependency_is_met(migrate: Progress, expected: Step) -> None:
    assert next_step([MIGRATE, APP], {"migrate": migrate}) == expected


def test_a_dependency_that_can_no_longer_be_met_stops_the_task_and_is_named() -> None:
    step = next_step([MIGRATE, APP], {"migrate": ended(3)})
    reason = "Container migrate exited with code 3, and container app depends on its SUCCESS"
    assert step == Step(stop_reason=reason, failed_to_start=True)


@pytest.mark.aws("ECS-13")
def test_the_end_of_an_essential_container_stops_the_task_and_names_its_exit_code() -> None:
    step = next_step([MIGRATE, APP], {"migrate": ended(0), "app": ended(137)})
    assert step.stop_reason == "Essential container in task exited (container app, exit code 137)"
    assert not step.failed_to_start


def depends(name: str, other: str, condition: str = "SUCCESS") -> dict[str, Any]:
    return {"name": name, "image": "i", "dependsOn": [{"containerName": other, "condition": condition}]}


@pytest.mark.parametrize(
    ("definitions", "message"),
    [
        pytest.param([depends("app", "nobody")], "depends on nobody, which is not in the task", id="unknown name"),
        pytest.param([depends("app", "migrate", "HEALTHY")], "condition HEALTHY .* is not emulated", id="condition"),
        pytest.param([{"name": "a", "image": "i", "entryPoint": ["sh"]}], "entry point of container a", id="entry"),
        pytest.param(
            [{"name": "a", "image": "i", "healthCheck": {"command": ["CMD-SHELL", "x"]}}],
            "health check of container a",
            id="health check for a shell",
        ),
        pytest.param(
            [{"name": "app", "image": "i", "logConfiguration": {"logDriver": "fluentd"}}],
            "log driver fluentd",
            id="log driver",
        ),
        pytest.param(
            [{"name": "app", "image": "i", "logConfiguration": {"logDriver": "awslogs", "options": {}}}],
            "lacks the log option awslogs-group",
            id="log option",
        ),
    ],
)
def test_a_definition_that_cannot_run_is_refused(definitions: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(TaskDefinitionError, match=message):
        read_containers(definitions)
