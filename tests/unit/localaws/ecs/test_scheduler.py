"""The scheduler of an ECS service, as a table of pictures and actions, and simulated to its end."""

import dataclasses

import pytest

from localaws.ecs.scheduler import (
    Action,
    CompleteRollout,
    DeploymentSnapshot,
    FailRollout,
    ForgetDeployment,
    Phase,
    ServiceSnapshot,
    StartTasks,
    StopTask,
    TaskSnapshot,
    breaker_threshold,
    decide,
)

NEW = DeploymentSnapshot("new", "IN_PROGRESS")
OLD = DeploymentSnapshot("old", "COMPLETED", has_been_healthy=True)
BY_NEW = "Scaling activity initiated by deployment new"


def tasks(**phases: Phase) -> tuple[TaskSnapshot, ...]:
    """Tasks by name; ``old1`` belongs to the deployment ``old``."""
    return tuple(TaskSnapshot(name, name.rstrip("0123456789"), phase) for name, phase in phases.items())


UNHEALTHY = StopTask("old1", "Task failed its health checks", failed=True)
H, S, U, X = Phase.HEALTHY, Phase.STARTING, Phase.UNHEALTHY, Phase.STOPPING


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        pytest.param(ServiceSnapshot(2, (NEW,)), [StartTasks("new", 2)], id="a new service starts all its tasks"),
        pytest.param(ServiceSnapshot(2, (NEW,), tasks(new1=S, new2=S)), [], id="and waits for them"),
        pytest.param(
            ServiceSnapshot(2, (NEW,), tasks(new1=H, new2=H)), [CompleteRollout("new")], id="and is complete with them"
        ),
        pytest.param(ServiceSnapshot(0, (NEW,)), [CompleteRollout("new")], id="no tasks wanted: complete at once"),
        pytest.param(ServiceSnapshot(1, (OLD,), tasks(old1=H)), [], id="in a steady state there is nothing to do"),
        pytest.param(
            ServiceSnapshot(2, (OLD,), tasks(old1=H, old2=X)),
            [StartTasks("old", 1)],
            id="a task that ended is replaced",
        ),
        pytest.param(
            ServiceSnapshot(1, (OLD,), tasks(old1=U)),
            [StartTasks("old", 1)],
            marks=pytest.mark.aws("ECS-1"),
            id="an unhealthy task is replaced first",
        ),
        pytest.param(
            ServiceSnapshot(2, (OLD,), tasks(old1=U, old2=U, old3=H, old4=S)),
            [UNHEALTHY],
            marks=pytest.mark.aws("ECS-1"),
            id="and stopped when a replacement is healthy",
        ),
        pytest.param(
            ServiceSnapshot(2, (OLD,), tasks(old1=U, old2=U), maximum_percent=100),
            [UNHEALTHY],
            marks=pytest.mark.aws("ECS-1"),
            id="without capacity for replacements, one unhealthy task is stopped first",
        ),
        pytest.param(
            ServiceSnapshot(2, (OLD,), tasks(old1=X, old2=U), maximum_percent=100),
            [StartTasks("old", 1)],
            marks=pytest.mark.aws("ECS-1"),
            id="and no other before it is replaced",
        ),
        pytest.param(
            ServiceSnapshot(2, (NEW, OLD), tasks(old1=H, old2=U, new1=H, new2=S)),
            [StopTask("old2", BY_NEW)],
            id="a healthy new task takes the place of an unhealthy old one first",
        ),
        pytest.param(
            ServiceSnapshot(1, (OLD,), tasks(old1=H, old2=H)),
            [StopTask("old2", "Scaling activity initiated by deployment old")],
            id="scaling in stops the youngest",
        ),
        pytest.param(
            ServiceSnapshot(1, (OLD,), tasks(old1=S, old2=H)),
            [StopTask("old1", "Scaling activity initiated by deployment old")],
            id="but rather one that is not healthy yet",
        ),
        pytest.param(
            ServiceSnapshot(2, (NEW, OLD), tasks(old1=H, old2=H)),
            [StartTasks("new", 2)],
            id="a rollout within 200 percent starts all and stops none",
        ),
        pytest.param(
            ServiceSnapshot(2, (NEW, OLD), tasks(old1=H, old2=S)),
            [StopTask("old2", BY_NEW), StartTasks("new", 2)],
            id="an old task that does not serve yet is stopped at once",
        ),
        pytest.param(
            ServiceSnapshot(1, (NEW, OLD), tasks(old1=H), maximum_percent=100),
            [],
            id="100 to 100 percent can never move, as on AWS",
        ),
        pytest.param(
            ServiceSnapshot(1, (NEW,), seconds_since_start=1.5, consecutive_failures=2), [], id="failures make it pause"
        ),
        pytest.param(
            ServiceSnapshot(1, (NEW,), seconds_since_start=2.5, consecutive_failures=2),
            [StartTasks("new", 1)],
            id="and continue after the pause",
        ),
    ],
)
def test_the_scheduler_decides(service: ServiceSnapshot, expected: list[Action]) -> None:
    assert decide(service) == expected


FAILING = DeploymentSnapshot("new", "IN_PROGRESS", failed_tasks=3)


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        pytest.param(
            ServiceSnapshot(2, (FAILING, OLD), tasks(old1=H, old2=H), breaker_enabled=True, last_completed_id="old"),
            [FailRollout("new", "old")],
            id="a failing rollout goes back to the last completed deployment",
        ),
        pytest.param(
            ServiceSnapshot(2, (FAILING,), breaker_enabled=True),
            [FailRollout("new", None)],
            id="a first deployment has nothing to go back to",
        ),
        pytest.param(
            ServiceSnapshot(2, (FAILING,)), [StartTasks("new", 2)], id="without the breaker it tries for ever"
        ),
        pytest.param(
            ServiceSnapshot(2, (DeploymentSnapshot("new", "IN_PROGRESS", 3, has_been_healthy=True),),
                           tasks(new1=H), breaker_enabled=True),
            [StartTasks("new", 1)],
            id="one healthy task ends the breaker's watch",
        ),
        pytest.param(
            ServiceSnapshot(2, (DeploymentSnapshot("new", "FAILED", 3), OLD), tasks(old1=H), breaker_enabled=True),
            [],
            id="a failed rollout starts nothing and replaces nothing",
        ),
    ],
)  # fmt: skip
def test_the_circuit_breaker(service: ServiceSnapshot, expected: list[Action]) -> None:
    assert decide(service) == expected


GONE_OFF = "ECS deployment alarm: errors is in ALARM."


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        pytest.param(
            ServiceSnapshot(1, (NEW, OLD), tasks(new1=H, old1=H), triggered_alarm="errors", last_completed_id="old"),
            [FailRollout("new", "old", GONE_OFF)],
            id="an alarm sends a rollout of healthy tasks back",
        ),
        pytest.param(
            ServiceSnapshot(1, (OLD,), tasks(old1=H), triggered_alarm="errors", last_completed_id="old"),
            [],
            id="without a rollout it concerns people alone",
        ),
        pytest.param(
            ServiceSnapshot(1, (DeploymentSnapshot("old", "IN_PROGRESS"),), tasks(old1=H), triggered_alarm="errors",
                           last_completed_id="old"),
            [CompleteRollout("old")],
            id="a rollback is not marked FAILED",
        ),
        pytest.param(
            ServiceSnapshot(1, (NEW, OLD), tasks(new1=H), is_baking=True),
            [ForgetDeployment("old")],
            marks=pytest.mark.aws("ECS-12", "ECS-4"),
            id="while alarms are watched, only the new deployment is listed, and it is not complete",
        ),
    ],
)  # fmt: skip
def test_the_alarms_of_a_deployment(service: ServiceSnapshot, expected: list[Action]) -> None:
    assert decide(service) == expected


@pytest.mark.aws("ECS-11")
@pytest.mark.parametrize(("desired", "threshold"), [(0, 3), (1, 3), (6, 3), (7, 4), (25, 13), (400, 200), (800, 200)])
def test_the_breaker_trips_at_half_of_the_desired_count(desired: int, threshold: int) -> None:
    assert breaker_threshold(desired) == threshold


def bounds(desired: int, minimum_percent: int, maximum_percent: int) -> tuple[int, int]:
    return -(-desired * minimum_percent // 100), desired * maximum_percent // 100


MOVABLE = [
    (desired, minimum, maximum)
    for desired in (1, 2, 3, 5)
    for minimum, maximum in [(100, 200), (50, 200), (100, 150), (50, 100), (0, 100)]
    if len(set(bounds(desired, minimum, maximum))) > 1
]


@pytest.mark.aws("ECS-10")
@pytest.mark.parametrize(("desired", "minimum", "maximum"), MOVABLE)
def test_every_rollout_that_can_move_ends_and_never_leaves_its_bounds(desired: int, minimum: int, maximum: int) -> None:
    lower, upper = bounds(desired, minimum, maximum)
    old = {f"old{number}": H for number in range(desired)}
    service = ServiceSnapshot(
        desired, (NEW, OLD), tasks(**old), minimum_healthy_percent=minimum, maximum_percent=maximum
    )
    for _ in range(40):
        service = after(service, decide(service))
        assert sum(task.phase is H for task in service.tasks) >= lower
        assert len(service.tasks) <= max(upper, desired)
        service = grown(service)
    assert [(deployment.id, deployment.rollout_state) for deployment in service.deployments] == [("new", "COMPLETED")]
    assert [(task.deployment_id, task.phase) for task in service.tasks] == [("new", H)] * desired


def after(service: ServiceSnapshot, actions: list[Action]) -> ServiceSnapshot:
    """The picture once the actions have been carried out."""
    running, deployments = list(service.tasks), list(service.deployments)
    for action in actions:
        match action:
            case StartTasks(deployment_id, count):
                running += [TaskSnapshot(f"{deployment_id}-{len(running)}-{n}", deployment_id, S) for n in range(count)]
            case StopTask(task_id):
                running = [task for task in running if task.id != task_id]
            case ForgetDeployment(deployment_id):
                deployments = [deployment for deployment in deployments if deployment.id != deployment_id]
            case CompleteRollout():
                deployments[0] = dataclasses.replace(deployments[0], rollout_state="COMPLETED")
    return dataclasses.replace(service, tasks=tuple(running), deployments=tuple(deployments))


def grown(service: ServiceSnapshot) -> ServiceSnapshot:
    """The same picture with one more task become healthy."""
    running = list(service.tasks)
    for index, task in enumerate(running):
        if task.phase is S:
            running[index] = dataclasses.replace(task, phase=H)
            break
    return dataclasses.replace(service, tasks=tuple(running))
