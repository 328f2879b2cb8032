"""One ECS task as processes.

The containers of a task definition start in the order of ``dependsOn``. Each is a process with the command of its image
(or of the definition) in the image's folder and exactly the environment that ECS would provide, or podman with the
image itself (``runtime``). Secrets are fetched with the execution role, the process acts as the task role. Its output
goes to ``RUN/logs/tasks/GROUP-TASK-CONTAINER.log`` and to CloudWatch Logs.

A thread supervises each task. It stops the task when an essential container exits, a dependency cannot be met any more,
a health check fails, or a stop is requested. ``before_stop`` first deregisters the task from its target groups; then
the containers get SIGTERM and, after their ``stopTimeout``, SIGKILL.

Different from AWS:
- A process has no separate file system (a scratch folder is HOME and TMPDIR), no other user, no capabilities,
  volumes or read-only root. With podman it has these; containers of a task do not share volumes, and there is no init
  process. Neither way limits CPU and memory, or supports ulimits and ``workingDirectory``.
- ``HOST`` and ``PORT`` in the environment replace the network namespace: the process listens on 127.0.0.1 and a mapped
  port instead of the container's port. They override variables of these names.
- The task role's credentials are variables that last as long as the task, instead of an endpoint that renews them;
  there is no metadata endpoint.
- ``stoppedReason`` is more detailed: the container, its exit code, its log.
"""

import shutil
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devtools.errors import UserError
from localaws.addresses import LOOPBACK
from localaws.ecs.containers import (
    Container,
    Progress,
    is_running,
    next_step,
    shown_exit_code,
)
from localaws.ecs.execution_role import ExecutionRole, TaskStartError, assumed_by_tasks, can_run_agent
from localaws.ecs.health import HealthWatch
from localaws.ecs.logs import TaskLogs
from localaws.ecs.runtime import Runtime, runtime_of
from localaws.ecs.task_record import TaskRecord
from localaws.iam.credentials import environment_without_role
from localaws.settings import Context

if TYPE_CHECKING:
    from devtools.images.store import Image

_FAILED_TO_START = "TaskFailedToStart"


class TaskRun:
    """A task, from PROVISIONING to STOPPED.

    Args:
        context: of the local AWS.
        logs: what copies its output to CloudWatch Logs.
        record: what the API shows of it.
        containers: its containers, from the task definition.
        execution_role_arn: the role with which ECS starts it.
        task_role_arn: the role it acts as.
        before_stop: called in the task's thread before the first container is asked to end; may wait.
        on_change: called in the task's thread whenever something about the task has changed; must not wait.

    Attributes:
        record: what the API shows of it.
        has_failed: whether it ended, or is ending, without having been asked to.
    """

    def __init__(
        self,
        context: Context,
        logs: TaskLogs,
        record: TaskRecord,
        containers: Sequence[Container],
        *,
        execution_role_arn: str | None,
        task_role_arn: str | None,
        before_stop: Callable[["TaskRun"], None],
        on_change: Callable[[], None],
    ) -> None:
        self.record = record
        self.has_failed = False
        self._context = context
        self._addresses = context.addresses
        self._logs = logs
        self._containers = {container.name: container for container in containers}
        self._execution_role = ExecutionRole(context, execution_role_arn, record.task_arn)
        self._task_role_arn = task_role_arn
        self._before_stop = before_stop
        self._on_change = on_change
        self._scratch = context.settings.run_directory / "tasks" / record.id
        self._images: dict[str, Image] = {}
        self._environments: dict[str, dict[str, str]] = {}
        self._runtimes: dict[str, Runtime] = {}
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._waiting: list[threading.Thread] = []
        self._watches: dict[str, HealthWatch] = {}
        self._progress = {name: Progress() for name in self._containers}
        self._unhealthy: Container | None = None
        self._stop_asked = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._live, name=f"task {record.id}", daemon=True)

    def begin(self) -> None:
        """Start the task; returns at once."""
        self._thread.start()

    def stop(self, reason: str, code: str = "ServiceSchedulerInitiated") -> None:
        """Ask the task to end; returns at once. Only the first call counts, and none if it is ending already."""
        with self._changed:
            if self.record.desired_status == "RUNNING":
                self.record.ends(code, reason)
            self._stop_asked = True
            self._changed.notify_all()

    def join(self, timeout_seconds: float) -> None:
        """Wait until the task is STOPPED."""
        self._thread.join(timeout_seconds)

    @property
    def is_running(self) -> bool:
        """Return True if all essential containers have been started and the task is not stopping."""
        return self.record.last_status == "RUNNING" and self.record.desired_status == "RUNNING"

    @property
    def has_health_check(self) -> bool:
        """Return True if a container has a health check."""
        return any(container.health_check is not None for container in self._containers.values())

    @property
    def is_over(self) -> bool:
        """Return True if the task is STOPPED."""
        return self.record.last_status == "STOPPED"

    def status(self) -> dict[str, Any]:
        """Return what DescribeTasks shows, in short, and the processes of its running containers."""
        record = self.record
        return {
            "id": record.id,
            "group": record.group,
            "status": record.last_status,
            "health": record.health_status,
            "address": record.address,
            "images": {container["name"]: container["image"] for container in record.containers},
            "created": record.created_at.replace(tzinfo=UTC).isoformat(timespec="seconds"),
            "stopped_reason": record.stopped_reason,
            "pids": [child.pid for child in list(self._children.values()) if child.poll() is None],
        }

    def log_of(self, container: str) -> Path:
        """Return the file with a container's output."""
        group = self.record.group.partition(":")[2]
        return self._context.settings.logs_directory / "tasks" / f"{group}-{self.record.id}-{container}.log"

    def _live(self) -> None:
        journal = self._context.journal
        try:
            self._show("PENDING")
            self._prepare()
            self._run_containers()
        except TaskStartError as error:
            self._fail(_FAILED_TO_START, str(error))
        except Exception as error:  # noqa: BLE001 - a defect of ours must end this task, not hang its service
            self._fail(_FAILED_TO_START, f"InternalError: {type(error).__name__}: {error}")
        finally:
            self._end()
            journal.record(
                "task.stopped",
                task=self.record.id,
                group=self.record.group,
                code=self.record.stop_code,
                reason=self.record.stopped_reason,
            )
            self._on_change()

    def _prepare(self) -> None:
        """Do what comes before the first container: pull, fetch secrets, open logs."""
        self._execution_role.check_pull(container.image for container in self._containers.values())
        self._scratch.mkdir(parents=True, exist_ok=True)
        for name, container in self._containers.items():
            try:
                self._images[name] = self._context.images.get(container.image)
                self._runtimes[name] = runtime_of(
                    self._images[name],
                    container,
                    task=self.record.id,
                    scratch=self._scratch,
                    run_directory=self._context.settings.run_directory,
                )
            except UserError as error:
                raise TaskStartError(str(error)) from error
            self._environments[name] = self._environment(container)
        for container in self._containers.values():
            self._open_log(container)

    def _open_log(self, container: Container) -> None:
        log = self.log_of(container.name)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
        if container.log is not None:
            stream = f"{container.log.stream_prefix}/{container.name}/{self.record.id}"
            client = self._execution_role.open_log(container.log, stream)
            self._logs.follow(log, client, container.log.group, stream)

    def _environment(self, container: Container) -> dict[str, str]:
        environment = environment_without_role(self._context.settings)
        if self._task_role_arn is not None:
            environment = assumed_by_tasks(self._context, self._task_role_arn, self.record.task_arn)
        del environment["PATH"]  # of this machine
        environment |= self._runtimes[container.name].base_environment()
        environment["AWS_EXECUTION_ENV"] = "AWS_ECS_FARGATE"
        environment |= container.environment
        environment |= self._execution_role.secrets_of(container)
        environment["HOST"] = LOOPBACK
        for port in reversed(container.ports):  # the first one is the one that PORT names
            environment["PORT"] = str(self._addresses.publish(self.record.address, port))
        return environment

    def _run_containers(self) -> None:
        """Start containers as their turn comes, until the task has to end."""
        while True:
            with self._changed:
                step = next_step(list(self._containers.values()), self._progress)
                if self._stop_asked:
                    return
                if step.stop_reason is not None:
                    code = _FAILED_TO_START if step.failed_to_start else "EssentialContainerExited"
                    self._fail(code, f"{step.stop_reason}; see {self._relevant_log()}")
                    return
                if self._unhealthy is not None:
                    reason = f"Task failed container health checks (container {self._unhealthy.name})"
                    self._fail("ServiceSchedulerInitiated", reason)
                    return
                if not step.start:
                    self._changed.wait()
                    continue
            for name in step.start:
                self._start(self._containers[name])

    def _start(self, container: Container) -> None:
        name = container.name
        argv = container.argv(self._images[name].command)
        program = self._runtimes[name].container(argv, self._environments[name])
        try:
            child = self._context.processes.start(
                program.argv, env=program.environment, cwd=program.directory, log=self.log_of(name)
            )
        except OSError as error:
            raise TaskStartError(f"CannotStartContainerError: container {name}: {argv[0]}: {error}") from error
        self._children[name] = child
        self._context.journal.record(
            "task.container_started", task=self.record.id, group=self.record.group, container=name, pid=child.pid
        )
        if self.record.enable_execute_command:
            runs = not container.root_is_read_only and can_run_agent(self._context, str(self._task_role_arn))
            self.record.show_agent(name, "RUNNING" if runs else "STOPPED")
        self._progressed(name, started=True)
        waiting = threading.Thread(target=self._wait_for, args=(name, child), name=f"wait {name}", daemon=True)
        self._waiting.append(waiting)
        waiting.start()
        if container.health_check is not None:
            check = self._runtimes[name].beside(container.health_check.argv, self._environments[name])
            self._watches[name] = HealthWatch(
                replace(container.health_check, argv=tuple(check.argv)),
                environment=check.environment,
                directory=check.directory,
                log=self.log_of(name).with_suffix(".health"),  # as with Docker, not in the container's log
                processes=self._context.processes,
                tell=lambda health: self._heard(container, health),
            )
        if is_running(list(self._containers.values()), self._progress):
            self._show("RUNNING")

    def _wait_for(self, name: str, child: subprocess.Popen[bytes]) -> None:
        code = shown_exit_code(child.wait())
        self._context.journal.record(
            "task.container_ended", task=self.record.id, group=self.record.group, container=name, exit_code=code
        )
        self._progressed(name, exit_code=code)

    def _heard(self, container: Container, health: str) -> None:
        with self._changed:
            self.record.show_health(container.name, health)
            if health == "UNHEALTHY" and container.essential:
                self._unhealthy = container
            self._changed.notify_all()
        self._on_change()

    def _progressed(self, name: str, **changes: Any) -> None:
        with self._changed:
            self._progress[name] = replace(self._progress[name], **changes)
            self.record.show_container(name, self._progress[name])
            self._changed.notify_all()
        self._on_change()

    def _fail(self, code: str, reason: str) -> None:
        if not self._stop_asked:
            self.has_failed = True
            self.record.ends(code, reason)
            self._on_change()

    def _relevant_log(self) -> Path:
        """Return the log that explains a failure: of the container that failed, or of the first essential one."""
        bad = [name for name, progress in self._progress.items() if progress.exit_code]
        essential = [container.name for container in self._containers.values() if container.essential]
        return self.log_of([*bad, *essential][0])

    def _end(self) -> None:
        """Take the task out of service, end its containers and clean up. Nothing in here may keep it from ending."""
        self._show("DEACTIVATING")
        try:
            self._before_stop(self)
        except Exception as error:  # noqa: BLE001 - the containers must be ended all the same
            self._context.journal.record("task.drain_failed", task=self.record.id, error=repr(error))
        self._show("STOPPING")
        for watch in self._watches.values():
            watch.stop()
        for name, child in reversed(self._children.items()):
            self._context.processes.stop(child, self._containers[name].stop_timeout_seconds)
            self._runtimes[name].clear()
        for waiting in self._waiting:
            waiting.join()  # so that every exit code is known before the task is STOPPED
        self._show("DEPROVISIONING")
        for name in self._containers:
            self._logs.finish(self.log_of(name))
        self._execution_role.close()
        self._addresses.withdraw(self.record.address)
        self.record.detach()
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._show("STOPPED")

    def _show(self, status: str) -> None:
        self.record.moved_to(status)
        self._on_change()
