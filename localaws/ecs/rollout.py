"""The deployments of one ECS service as DescribeServices shows them, their alarms, and events.

Nothing is decided here: ``scheduler.decide`` decides, and the controller calls what it decided. Not thread-safe; the
controller holds its lock.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends
from moto.core.utils import utcnow
from moto.ecs.models import Service
from moto.moto_api._internal import mock_random

from localaws.cloudwatch.alarm_evaluation import State
from localaws.cloudwatch.alarms import SECONDS_OF_A_MINUTE
from localaws.ecs.scheduler import DeploymentSnapshot
from localaws.journal import Journal
from localaws.settings import Settings

_EVENTS_KEPT = 100


@dataclass
class _Tally:
    failed_tasks: int = 0
    has_been_healthy: bool = False


@dataclass(frozen=True)
class Counts:
    """The numbers of a deployment's tasks that serve and that are starting."""

    running: int = 0
    pending: int = 0


class ServiceDeployments:
    """The deployments of a service, the newest first; takes the place of those that moto has made up.

    DescribeServices and ``status`` read them without the controller's lock, so each list that they see is complete.

    Args:
        service: moto's service.
        journal: where rollouts and events are written, too.

    Attributes:
        last_completed_id: the deployment to which a rollback goes; nothing before the first steady state.
    """

    def __init__(self, service: Service, journal: Journal) -> None:
        self.last_completed_id: str | None = None
        self._service = service
        self._journal = journal
        self._last_completed: dict[str, Any] = {}
        self._tallies: dict[str, _Tally] = {}
        self.clear()

    def clear(self) -> None:
        """Show no deployment any more."""
        self._service.deployments = []

    def begin(self) -> None:
        """Show a new PRIMARY deployment of the service as it now is."""
        service = self._service
        deployment: dict[str, Any] = {
            "id": f"ecs-svc/{mock_random.randint(10**18, 10**19 - 1)}",
            "status": "PRIMARY",
            "taskDefinition": service.task_definition,
            "desiredCount": service.desired_count,
            "pendingCount": 0,
            "runningCount": 0,
            "failedTasks": 0,
            "launchType": service.launch_type,
            "capacityProviderStrategy": getattr(service, "capacity_provider_strategy", None),
            "platformVersion": "1.4.0",
            "platformFamily": "Linux",
            "networkConfiguration": service.network_configuration,
            "createdAt": utcnow(),
        }
        self._tallies[deployment["id"]] = _Tally()
        self._set_rollout(deployment, "IN_PROGRESS", f"ECS deployment {deployment['id']} in progress.")
        self._show_first(deployment)

    def find(self, deployment_id: str) -> dict[str, Any]:
        """Return one deployment, as the API shows it."""
        return next(one for one in self._all if one["id"] == deployment_id)

    def snapshots(self) -> tuple[DeploymentSnapshot, ...]:
        """Return the deployments, for the scheduler."""
        return tuple(
            DeploymentSnapshot(
                one["id"],
                one["rolloutState"],
                self._tallies[one["id"]].failed_tasks,
                self._tallies[one["id"]].has_been_healthy,
            )
            for one in self._all
        )

    @property
    def is_rolling_out(self) -> bool:
        """Return True if a rollout is in progress."""
        return any(one["rolloutState"] == "IN_PROGRESS" for one in self._all)

    def count_failure(self, deployment_id: str) -> None:
        """Count a failed task, unless one has been healthy: then the circuit breaker looks no more."""
        tally = self._tallies[deployment_id]
        if not tally.has_been_healthy:
            tally.failed_tasks += 1

    def record_healthy(self, deployment_id: str) -> None:
        """Record that a task of the deployment is healthy."""
        self._tallies[deployment_id] = _Tally(has_been_healthy=True)

    def complete(self, deployment_id: str) -> None:
        """Show a rollout as COMPLETED."""
        deployment = self.find(deployment_id)
        self._set_rollout(deployment, "COMPLETED", f"ECS deployment {deployment_id} completed.")
        self.last_completed_id, self._last_completed = deployment_id, dict(deployment)
        self.add_event("has reached a steady state.")

    def fail(self, deployment_id: str, cause: str) -> None:
        """Show a rollout as FAILED."""
        failed = self.find(deployment_id)
        self._set_rollout(failed, "FAILED", cause)
        self.add_event(f"(deployment {deployment_id}) deployment failed: {cause.partition(': ')[2]}")

    def go_back(self, deployment_id: str, cause: str) -> None:
        """Make the last completed deployment PRIMARY again, and the service run its task definition."""
        shown = next((one for one in self._all if one["id"] == deployment_id), self._last_completed)
        again = {**shown, "status": "PRIMARY"}
        self._tallies[deployment_id].failed_tasks = 0
        self._service.task_definition = again["taskDefinition"]
        reason = f"{cause.partition(':')[0]}: rolling back to deploymentId {deployment_id}."
        self._set_rollout(again, "IN_PROGRESS", reason)
        self._show_first(again)
        self.add_event(f"rolling back to deployment {deployment_id}.")

    def forget(self, deployment_id: str) -> None:
        """Show a deployment no more."""
        self._service.deployments = [one for one in self._all if one["id"] != deployment_id]

    def show(self, desired_count: int, counts: Mapping[str, Counts]) -> None:
        """Show how many tasks each deployment, and so the service, has."""
        for one in self._all:
            mine = counts.get(one["id"], Counts())
            one["runningCount"], one["pendingCount"] = mine.running, mine.pending
            one["failedTasks"] = self._tallies[one["id"]].failed_tasks
            one["desiredCount"] = desired_count if one["status"] == "PRIMARY" else mine.running + mine.pending
        self._service.running_count = sum(one["runningCount"] for one in self._all)
        self._service.pending_count = sum(one["pendingCount"] for one in self._all)

    def add_event(self, message: str) -> None:
        """Add an event to the service."""
        text = f"(service {self._service.name}) {message}"
        event = {"id": str(mock_random.uuid4()), "createdAt": utcnow(), "message": text}
        self._service.events[:] = [event, *self._service.events][:_EVENTS_KEPT]
        self._journal.record("service.event", service=self._service.name, message=text)

    @property
    def _all(self) -> list[dict[str, Any]]:
        deployments: list[Any] = self._service.deployments
        return deployments

    def _show_first(self, primary: dict[str, Any]) -> None:
        others = [{**one, "status": "ACTIVE"} for one in self._all if one["id"] != primary["id"]]
        self._service.deployments = [primary, *others]

    def _set_rollout(self, deployment: dict[str, Any], state: str, reason: str) -> None:
        deployment["rolloutState"], deployment["rolloutStateReason"] = state, reason
        deployment["updatedAt"] = utcnow()
        self._journal.record(
            "service.rollout",
            service=self._service.name,
            deployment=deployment["id"],
            state=state,
            task_definition=deployment["taskDefinition"],
        )


class DeploymentAlarms:
    """The alarms of one service: which of them fails a deployment, and how long they must stay OK.

    As in ECS, an alarm that is in ALARM when a deployment begins is ignored: the deployment may be the fix. Once the
    new tasks are healthy, alarms are watched for as long as their own evaluation takes (the bake time). Not
    thread-safe; the controller holds its lock.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
    """

    def __init__(self, settings: Settings, service: Service) -> None:
        self._settings = settings
        self._service = service
        self._ignored: frozenset[str] = frozenset()

    def begin(self) -> None:
        """Begin a deployment: ignore the alarms that are in ALARM now."""
        self._ignored = frozenset(alarm.name for alarm in self._alarms() if alarm.state_value == State.ALARM)

    def triggered(self) -> str | None:
        """Return the name of an alarm that went to ALARM after the deployment began."""
        names = (alarm.name for alarm in self._alarms() if alarm.state_value == State.ALARM)
        return next((name for name in names if name not in self._ignored), None)

    def bake_seconds(self) -> float:
        """Return how long alarms must stay OK once the last new task is healthy; ECS counts from the last old task."""
        minutes = (int(alarm.period or 60) / 60 * int(alarm.evaluation_periods) for alarm in self._alarms())
        return max(minutes, default=0.0) * SECONDS_OF_A_MINUTE

    def _alarms(self) -> list[Any]:
        configuration = getattr(self._service, "deployment_configuration", None) or {}
        settings = configuration.get("alarms") or {}
        if not settings.get("enable"):
            return []
        backend = cloudwatch_backends[self._settings.account_id][self._settings.region]
        return list(backend.get_alarms_by_alarm_names(settings.get("alarmNames") or []))
