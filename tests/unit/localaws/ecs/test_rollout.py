"""The deployments of a service as others read them: at any moment, because no reader takes the controller's lock."""

import sys
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any, cast

from localaws.ecs.rollout import ServiceDeployments
from localaws.journal import Journal

CAUSE = "ECS deployment circuit breaker: tasks failed to start."


def test_whoever_reads_between_two_lines_sees_complete_deployments_and_one_that_is_primary(tmp_path: Path) -> None:
    service = SimpleNamespace(name="beers", desired_count=2, launch_type=None, network_configuration={}, events=[])
    service.task_definition = "beers:1"
    deployments = ServiceDeployments(cast("Any", service), Journal(tmp_path / "journal.jsonl"))
    seen: set[tuple[tuple[str, str | None], ...]] = set()

    def read(_frame: FrameType, _event: str, _argument: object) -> Any:
        seen.add(tuple((one["status"], one.get("rolloutState")) for one in service.deployments))
        return read

    before = sys.gettrace()
    sys.settrace(read)
    try:
        deployments.begin()
        first = str(service.deployments[0]["id"])
        deployments.complete(first)
        service.task_definition = "beers:2"
        deployments.begin()
        second = str(service.deployments[0]["id"])
        deployments.fail(second, CAUSE)
        deployments.go_back(first, CAUSE)
        deployments.forget(second)
    finally:
        sys.settrace(before)
    assert seen == {
        (),
        (("PRIMARY", "IN_PROGRESS"),),
        (("PRIMARY", "COMPLETED"),),
        (("PRIMARY", "IN_PROGRESS"), ("ACTIVE", "COMPLETED")),
        (("PRIMARY", "FAILED"), ("ACTIVE", "COMPLETED")),
        (("PRIMARY", "IN_PROGRESS"), ("ACTIVE", "FAILED")),
    }
    assert service.task_definition == "beers:1"
