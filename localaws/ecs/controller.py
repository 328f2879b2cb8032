"""The control loop of one ECS service: take a snapshot, ask ``scheduler.decide``, carry the actions out.

One thread a service. It runs when something has happened, every ``BUSY_SECONDS`` while something is in progress (a
target that becomes healthy sends no event), and rarely when the service is stable.

Different from AWS: a task behind a load balancer counts as running once its target is healthy, so that an apply that
waits for a steady state ends when the service answers. The health check grace period is scaled like the checks, but not
below ``STARTUP_SECONDS`` until the task is healthy: the time that a process needs does not scale.
"""

import contextlib
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from moto.ecs.models import Service
from moto.elbv2.exceptions import InvalidTargetError, TargetGroupNotFoundError
from moto.elbv2.models import elbv2_backends

from localaws.ecs.rollout import Counts, DeploymentAlarms, ServiceDeployments
from localaws.ecs.scheduler import (
    Action,
    CompleteRollout,
    FailRollout,
    ForgetDeployment,
    Phase,
    ServiceSnapshot,
    StartTasks,
    StopTask,
    TaskSnapshot,
    decide,
)
from localaws.ecs.tasks import TaskRun
from localaws.elbv2.health import TIME_FACTOR, State
from localaws.settings import Context, Settings

BUSY_SECONDS = 0.25
IDLE_SECONDS = 2.0
STARTUP_SECONDS = 20.0
STOP_SECONDS = 15.0
_DRAIN_POLL_SECONDS = 0.1

# Starts a task of a service for a deployment; the function to call before it stops, and on its changes.
Launch = Callable[[Service, dict[str, Any], Callable[[TaskRun], None], Callable[[], None]], TaskRun]


@dataclass(eq=False)
class _Member:
    """A task of the service."""

    deployment_id: str
    run: TaskRun
    running_since: float | None = None
    is_registered: bool = False
    may_register: bool = True
    is_counted_as_failed: bool = False
    has_been_healthy: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class ServiceController:
    """Runs one service of moto.

    Args:
        context: of the local AWS.
        service: the service, without deployments yet.
        launch: starts a task.
    """

    def __init__(self, context: Context, service: Service, launch: Launch) -> None:
        self.service = service
        self._context = context
        self._launch = launch
        self._targets = ServiceTargets(context.settings, service)
        self._deployments = ServiceDeployments(service, context.journal)
        self._alarms = DeploymentAlarms(context.settings, service)
        self._members: list[_Member] = []
        self._last_start = float("-inf")
        self._last_healthy = float("-inf")
        self._consecutive_failures = 0
        self._is_retiring = False
        self._quitting = threading.Event()
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self.deploy()
        self._thread = threading.Thread(target=self._run, name=f"service {service.name}", daemon=True)
        self._thread.start()

    def deploy(self) -> None:
        """Begin a deployment of the service's current configuration."""
        with self._lock:
            self._deployments.begin()
            self._alarms.begin()
            self._consecutive_failures = 0
            self._show_counts(self._phases())
        self.wake()

    def wake(self) -> None:
        """Run the control loop now. Safe to call from any thread."""
        self._wake.set()

    def retire(self) -> None:
        """Drain and stop all tasks, then show the service as INACTIVE; returns at once."""
        with self._lock:
            self._is_retiring = True
            self.service.status = "DRAINING"
        self.wake()

    def stop(self) -> None:
        """End all tasks without draining."""
        self._quitting.set()
        self.wake()
        self._thread.join(STOP_SECONDS)
        runs = [member.run for member in self._members]
        for run in runs:
            run.stop("The local AWS has stopped")
        deadline = time.monotonic() + STOP_SECONDS
        for run in runs:
            run.join(max(0.0, deadline - time.monotonic()))

    def status(self) -> dict[str, Any]:
        """Return the service's counts, rollout and newest events."""
        service = self.service
        deployments = service.deployments
        return {
            "status": service.status,
            "desired": service.desired_count,
            "running": service.running_count,
            "pending": service.pending_count,
            "task_definition": service.task_definition,
            "rollout": deployments[0]["rolloutState"] if deployments else None,
            "events": [event["message"] for event in service.events[:5]],
        }

    def _run(self) -> None:
        while not self._quitting.is_set() and self.service.status != "INACTIVE":
            try:
                with self._lock:
                    is_settled = self._step()
            except Exception:  # noqa: BLE001 - a defect is recorded; the control loop must continue
                self._context.journal.record("service.defect", service=self.service.name, error=traceback.format_exc())
                is_settled = True
            self._wake.wait(IDLE_SECONDS if is_settled else BUSY_SECONDS)
            self._wake.clear()

    def _step(self) -> bool:
        """Run one iteration of the control loop; return True if nothing is in progress."""
        self._account_for_ended()
        self._register_running()
        phases = self._phases()
        for member in self._members:
            if phases[member.run.record.id] is Phase.HEALTHY and not member.has_been_healthy:
                member.has_been_healthy = True
                self._last_healthy = time.monotonic()
                self._consecutive_failures = 0
                self._deployments.record_healthy(member.deployment_id)
        actions = decide(self._snapshot(phases))
        for action in actions:
            self._carry_out(action)
        phases = self._phases()
        self._show_counts(phases)
        if self._is_retiring and not self._members:
            self.service.status = "INACTIVE"
            self._deployments.clear()
            self._context.journal.record("service.inactive", service=self.service.name)
        all_healthy = all(phase is Phase.HEALTHY for phase in phases.values())
        return not actions and all_healthy and not self._deployments.is_rolling_out

    def _account_for_ended(self) -> None:
        for member in list(self._members):
            if member.run.has_failed and not member.is_counted_as_failed:
                self._count_failure(member, str(member.run.record.stopped_reason))
            if member.run.is_over:
                self._members.remove(member)

    def _count_failure(self, member: _Member, reason: str) -> None:
        member.is_counted_as_failed = True
        self._consecutive_failures += 1
        self._deployments.count_failure(member.deployment_id)
        self._deployments.add_event(
            f"(deployment {member.deployment_id}) (task {member.run.record.id}) failed: {reason}"
        )

    def _snapshot(self, phases: dict[str, Phase]) -> ServiceSnapshot:
        service = self.service
        configuration = getattr(service, "deployment_configuration", None) or {}
        return ServiceSnapshot(
            desired_count=self._desired_count(),
            deployments=self._deployments.snapshots(),
            tasks=tuple(
                TaskSnapshot(member.run.record.id, member.deployment_id, phases[member.run.record.id])
                for member in self._members
            ),
            minimum_healthy_percent=int(configuration.get("minimumHealthyPercent", 100)),
            maximum_percent=int(configuration.get("maximumPercent", 200)),
            breaker_enabled=bool((configuration.get("deploymentCircuitBreaker") or {}).get("enable")),
            last_completed_id=self._deployments.last_completed_id,
            triggered_alarm=self._alarms.triggered() if self._deployments.is_rolling_out else None,
            is_baking=time.monotonic() - self._last_healthy < self._alarms.bake_seconds(),
            seconds_since_start=time.monotonic() - self._last_start,
            consecutive_failures=self._consecutive_failures,
        )

    def _desired_count(self) -> int:
        return 0 if self._is_retiring else int(self.service.desired_count)

    def _carry_out(self, action: Action) -> None:
        match action:
            case StartTasks(deployment_id, count):
                self._start_tasks(deployment_id, count)
            case StopTask(task_id, reason, failed):
                member = next(member for member in self._members if member.run.record.id == task_id)
                if failed:
                    self._count_failure(
                        member, f"{reason} ({self._targets.describe_health(member.run.record.address)})"
                    )
                member.run.stop(reason)
            case FailRollout(deployment_id, back_to_id, cause):
                self._deployments.fail(deployment_id, cause)
                if back_to_id is not None:
                    self._deployments.go_back(back_to_id, cause)
                    self._consecutive_failures = 0
            case CompleteRollout(deployment_id):
                self._deployments.complete(deployment_id)
            case ForgetDeployment(deployment_id):
                self._deployments.forget(deployment_id)

    def _start_tasks(self, deployment_id: str, count: int) -> None:
        started = [task for task in (self._start_task(deployment_id) for _ in range(count)) if task is not None]
        if started:
            named = " ".join(f"(task {task})" for task in started)
            self._deployments.add_event(f"has started {len(started)} tasks: {named}.")

    def _start_task(self, deployment_id: str) -> str | None:
        """Start one task; its id, or nothing if that failed."""
        self._last_start = time.monotonic()
        deployment = self._deployments.find(deployment_id)
        try:
            run = self._launch(self.service, deployment, self._take_out_of_service, self.wake)
        except Exception as error:  # noqa: BLE001 - no address, no task definition: a failure like any other of a task
            self._consecutive_failures += 1
            self._deployments.count_failure(deployment_id)
            self._deployments.add_event(f"was unable to place a task because {error}")
            return None
        self._members.append(_Member(deployment_id, run))
        run.begin()
        return run.record.id

    def _show_counts(self, phases: dict[str, Phase]) -> None:
        counts: dict[str, Counts] = {}
        for member in self._members:
            if phases[member.run.record.id] is not Phase.STOPPING:
                so_far = counts.get(member.deployment_id, Counts())
                is_serving = member.has_been_healthy
                counts[member.deployment_id] = Counts(so_far.running + is_serving, so_far.pending + (not is_serving))
        self._deployments.show(self._desired_count(), counts)

    def _phases(self) -> dict[str, Phase]:
        return {member.run.record.id: self._phase(member) for member in self._members}

    def _phase(self, member: _Member) -> Phase:
        run = member.run
        if run.is_over or run.record.desired_status == "STOPPED":
            return Phase.STOPPING
        if not run.is_running:
            return Phase.STARTING
        if member.running_since is None:
            member.running_since = time.monotonic()
        if run.has_health_check and run.record.health_status != "HEALTHY":
            return Phase.STARTING
        states = self._targets.states(run.record.address)
        if all(state == State.HEALTHY for state in states):
            return Phase.HEALTHY
        grace = float(getattr(self.service, "health_check_grace_period_seconds", 0) or 0) * TIME_FACTOR
        if not member.has_been_healthy:
            grace = max(STARTUP_SECONDS, grace)
        if State.UNHEALTHY in states and time.monotonic() - member.running_since > grace:
            return Phase.UNHEALTHY
        return Phase.STARTING

    def _register_running(self) -> None:
        for member in self._members:
            if not member.run.is_running or member.is_registered:
                continue
            with member.lock:
                if member.may_register:
                    member.is_registered = True
                    self._targets.register(member.run.record.address)

    def _take_out_of_service(self, run: TaskRun) -> None:
        """Deregister a task and wait until its requests have been answered. Called in the task's thread."""
        member = next((member for member in list(self._members) if member.run is run), None)
        if member is None:
            return
        with member.lock:
            member.may_register = False
            if not member.is_registered:
                return
            self._targets.deregister(run.record.address)
        while State.DRAINING in self._targets.states(run.record.address):
            if self._quitting.wait(_DRAIN_POLL_SECONDS):
                return


class ServiceTargets:
    """The target groups of one service, reached through moto's backend as ECS reaches them through ELB's API.

    A target group that was deleted meanwhile is ignored: the service is being destroyed.
    """

    def __init__(self, settings: Settings, service: Service) -> None:
        self._settings = settings
        self._service = service

    def register(self, address: str) -> None:
        """Register a task in every target group of the service."""
        for group, port in self._groups():
            with contextlib.suppress(TargetGroupNotFoundError):
                self._elb.register_targets(group, [{"Id": address, "Port": port}])

    def deregister(self, address: str) -> None:
        """Take a task out of every target group; its requests continue."""
        for group, port in self._groups():
            with contextlib.suppress(TargetGroupNotFoundError, InvalidTargetError):
                self._elb.deregister_targets(group, [{"Id": address, "Port": port}])

    def states(self, address: str) -> list[str]:
        """Return the task's state in each target group; empty without target groups."""
        return [health.status for health in self._health(address)]

    def describe_health(self, address: str) -> str:
        """Return why a task's targets are not healthy, for messages."""
        return "; ".join(f"target {health.status}: {health.description}" for health in self._health(address))

    def _health(self, address: str) -> list[Any]:
        found = []
        for group, port in self._groups():
            with contextlib.suppress(TargetGroupNotFoundError):
                found += self._elb.describe_target_health(group, [{"Id": address, "Port": port}])
        return found

    def _groups(self) -> list[tuple[str, int]]:
        return [
            (entry["targetGroupArn"], int(entry["containerPort"]))
            for entry in self._service.load_balancers
            if entry.get("targetGroupArn")
        ]

    @property
    def _elb(self) -> Any:
        return elbv2_backends[self._settings.account_id][self._settings.region]
