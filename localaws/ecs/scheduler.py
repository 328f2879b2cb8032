"""The scheduler of one ECS service.

Pure: ``decide`` takes a snapshot of a service, its deployments and tasks, and returns actions; the same snapshot gives
the same actions. ``controller`` takes the snapshots and carries the actions out.

It follows "Amazon ECS service deployments" and "How the deployment circuit breaker detects failures" of the developer
guide. Different from AWS: a rollout that fails is rolled back in any case, tasks of an older deployment that end are
not replaced during a rollout, and tasks are not rebalanced between zones.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

BY_THE_BREAKER = "ECS deployment circuit breaker: tasks failed to start."
BREAKER_MINIMUM_FAILURES = 3
BREAKER_MAXIMUM_FAILURES = 200
# ECS throttles restarts with a growing pause; seconds here, minutes there.
LONGEST_PAUSE_SECONDS = 10.0


class Phase(StrEnum):
    """The state of a task, for the scheduler."""

    STARTING = "STARTING"  # not RUNNING yet, or RUNNING and not yet found healthy
    HEALTHY = "HEALTHY"
    UNHEALTHY = "UNHEALTHY"  # its health checks failed, and its grace period is over
    STOPPING = "STOPPING"  # stopping, for any reason; does not count any more


@dataclass(frozen=True)
class TaskSnapshot:
    """One task of the service."""

    id: str
    deployment_id: str
    phase: Phase


@dataclass(frozen=True)
class DeploymentSnapshot:
    """One deployment; the first of a service is the PRIMARY one.

    Attributes:
        id: its id.
        rollout_state: IN_PROGRESS, COMPLETED or FAILED.
        failed_tasks: how many tasks failed since it was made or since one of them was healthy.
        has_been_healthy: whether one of its tasks ever was; from then on the circuit breaker leaves it alone.
    """

    id: str
    rollout_state: str
    failed_tasks: int = 0
    has_been_healthy: bool = False


@dataclass(frozen=True)
class ServiceSnapshot:
    """A service at one moment.

    Attributes:
        desired_count: how many tasks it should have.
        deployments: the newest (PRIMARY) first.
        tasks: oldest first.
        minimum_healthy_percent: minimum of healthy tasks during a rollout.
        maximum_percent: maximum of all tasks during a rollout.
        breaker_enabled: whether a rollout that keeps failing is marked FAILED and rolled back.
        last_completed_id: the deployment that a failed rollout goes back to; nothing if there never was one.
        triggered_alarm: the alarm that fails the rollout, if one went to ALARM.
        is_baking: whether the bake time of the new tasks is not over.
        seconds_since_start: how long ago a task was last started.
        consecutive_failures: tasks that failed since one was last healthy; they make the next start wait.
    """

    desired_count: int
    deployments: tuple[DeploymentSnapshot, ...]
    tasks: tuple[TaskSnapshot, ...] = ()
    minimum_healthy_percent: int = 100
    maximum_percent: int = 200
    breaker_enabled: bool = False
    last_completed_id: str | None = None
    triggered_alarm: str | None = None
    is_baking: bool = False
    seconds_since_start: float = math.inf
    consecutive_failures: int = 0


@dataclass(frozen=True)
class StartTasks:
    """Start ``count`` tasks of a deployment."""

    deployment_id: str
    count: int


@dataclass(frozen=True)
class StopTask:
    """Stop a task; ``failed`` if it counts as a failure."""

    task_id: str
    reason: str
    failed: bool = False


@dataclass(frozen=True)
class FailRollout:
    """Mark a deployment FAILED and, if ``back_to_id`` is given, make that one PRIMARY again.

    Attributes:
        cause: what failed it and why, in ECS's words.
    """

    deployment_id: str
    back_to_id: str | None
    cause: str = BY_THE_BREAKER


@dataclass(frozen=True)
class CompleteRollout:
    """The PRIMARY deployment has reached its steady state."""

    deployment_id: str


@dataclass(frozen=True)
class ForgetDeployment:
    """A replaced deployment has no tasks left."""

    deployment_id: str


Action = StartTasks | StopTask | FailRollout | CompleteRollout | ForgetDeployment


def decide(service: ServiceSnapshot) -> list[Action]:
    """Return what to do now; nothing if the service is in its desired state or must wait."""
    primary = service.deployments[0]
    if _breaker_trips(service, primary):
        back_to = service.last_completed_id
        return [FailRollout(primary.id, back_to if back_to != primary.id else None)]
    if service.triggered_alarm and primary.rollout_state == "IN_PROGRESS" and service.last_completed_id != primary.id:
        cause = f"ECS deployment alarm: {service.triggered_alarm} is in ALARM."
        return [FailRollout(primary.id, service.last_completed_id, cause)]
    stops = [*_unhealthy(service, primary), *_replaced(service, primary), *_surplus(service, primary)]
    return [*stops, *_starts(service, primary), *_forgotten(service), *_completion(service, primary)]


def breaker_threshold(desired_count: int) -> int:
    """Return how many failed tasks trip the circuit breaker: half of the desired count, at least 3, at most 200."""
    return min(BREAKER_MAXIMUM_FAILURES, max(BREAKER_MINIMUM_FAILURES, math.ceil(desired_count / 2)))


def pause_seconds(consecutive_failures: int) -> float:
    """Return the pause before the next start after a number of failures in a row."""
    return min(LONGEST_PAUSE_SECONDS, float(consecutive_failures))


def _breaker_trips(service: ServiceSnapshot, primary: DeploymentSnapshot) -> bool:
    return (
        service.breaker_enabled
        and primary.rollout_state == "IN_PROGRESS"
        and not primary.has_been_healthy
        and primary.failed_tasks >= breaker_threshold(service.desired_count)
    )


def _unhealthy(service: ServiceSnapshot, primary: DeploymentSnapshot) -> list[StopTask]:
    """Unhealthy tasks: one for each healthy replacement, or a single one if nothing else allows its replacement."""
    mine = [task for task in _present(service) if task.deployment_id == primary.id]
    unhealthy = [task for task in mine if task.phase is Phase.UNHEALTHY]
    healthy = sum(task.phase is Phase.HEALTHY for task in mine)
    count = max(0, healthy + len(unhealthy) - service.desired_count)
    is_stopping = any(task.phase is Phase.STOPPING for task in service.tasks)
    if not count and _missing(service, primary) > 0 and _capacity(service) <= 0 and not is_stopping:
        count = 1
    return [StopTask(task.id, "Task failed its health checks", failed=True) for task in unhealthy[:count]]


def _replaced(service: ServiceSnapshot, primary: DeploymentSnapshot) -> list[StopTask]:
    """Tasks of older deployments: those that start at once, the unhealthy and then the others as replacements come."""
    reason = f"Scaling activity initiated by deployment {primary.id}"
    old = [task for task in _present(service) if task.deployment_id != primary.id]
    healthy = [task for task in old if task.phase is Phase.HEALTHY]
    starting = [task for task in old if task.phase is Phase.STARTING]
    unhealthy = [task for task in old if task.phase is Phase.UNHEALTHY]
    if primary.rollout_state == "FAILED":
        return []  # a failed deployment replaces nothing
    all_healthy = sum(task.phase is Phase.HEALTHY for task in service.tasks)
    must_free_capacity = _missing(service, primary) > 0 and _capacity(service) <= 0
    keep = _minimum_healthy(service) if must_free_capacity else service.desired_count
    spare = max(0, all_healthy + len(unhealthy) - keep)
    return [StopTask(task.id, reason) for task in [*starting, *[*unhealthy, *healthy][:spare]]]


def _surplus(service: ServiceSnapshot, primary: DeploymentSnapshot) -> list[StopTask]:
    """Tasks beyond the desired count: those not healthy yet first, then the youngest."""
    mine = [
        task for task in _present(service) if task.deployment_id == primary.id and task.phase is not Phase.UNHEALTHY
    ]
    by_worth = sorted(mine, key=lambda task: task.phase is not Phase.HEALTHY)
    reason = f"Scaling activity initiated by deployment {primary.id}"
    return [StopTask(task.id, reason) for task in by_worth[service.desired_count :]]


def _starts(service: ServiceSnapshot, primary: DeploymentSnapshot) -> list[StartTasks]:
    count = min(_missing(service, primary), _capacity(service))
    waits = service.seconds_since_start < pause_seconds(service.consecutive_failures)
    if count <= 0 or waits or primary.rollout_state == "FAILED":
        return []
    return [StartTasks(primary.id, count)]


def _forgotten(service: ServiceSnapshot) -> list[ForgetDeployment]:
    if service.deployments[0].rollout_state == "FAILED":
        return []
    in_use = {task.deployment_id for task in _present(service)}
    return [ForgetDeployment(old.id) for old in service.deployments[1:] if old.id not in in_use]


def _completion(service: ServiceSnapshot, primary: DeploymentSnapshot) -> list[CompleteRollout]:
    healthy = [task for task in service.tasks if task.phase is Phase.HEALTHY and task.deployment_id == primary.id]
    alone = len(_present(service)) == len(healthy) == service.desired_count
    is_complete = alone and not service.is_baking and primary.rollout_state == "IN_PROGRESS"
    return [CompleteRollout(primary.id)] if is_complete else []


def _present(service: ServiceSnapshot) -> Sequence[TaskSnapshot]:
    return [task for task in service.tasks if task.phase is not Phase.STOPPING]


def _missing(service: ServiceSnapshot, primary: DeploymentSnapshot) -> int:
    """Return how many tasks the PRIMARY deployment lacks. Unhealthy tasks do not count."""
    return service.desired_count - sum(
        task.deployment_id == primary.id and task.phase is not Phase.UNHEALTHY for task in _present(service)
    )


def _capacity(service: ServiceSnapshot) -> int:
    """Return how many tasks can start before the maximum is reached. ECS rounds the maximum down."""
    return service.desired_count * service.maximum_percent // 100 - len(_present(service))


def _minimum_healthy(service: ServiceSnapshot) -> int:
    """ECS rounds the minimum up."""
    return math.ceil(service.desired_count * service.minimum_healthy_percent / 100)
