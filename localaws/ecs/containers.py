"""The containers of a task definition, and which of them can start next.

Pure: no process, no clock, no moto. ``read_containers`` turns the API's dictionaries into values and refuses what ECS
would refuse; ``next_step`` decides from what has happened so far. ``tasks`` runs the processes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Fargate's wait between SIGTERM and SIGKILL when the task definition does not say.
DEFAULT_STOP_TIMEOUT_SECONDS = 30


class TaskDefinitionError(Exception):
    """A task definition that ECS would not accept, or that cannot run here."""


@dataclass(frozen=True)
class LogDestination:
    """The log stream of the ``awslogs`` driver.

    Attributes:
        group: the log group.
        stream_prefix: first part of the stream's name ``PREFIX/CONTAINER/TASK``.
    """

    group: str
    stream_prefix: str


@dataclass(frozen=True)
class HealthCheck:
    """A container's ``healthCheck``, as a program to run next to it.

    Attributes:
        argv: the program and its arguments; exit code 0 is healthy.
        interval_seconds: between two checks.
        timeout_seconds: limit of one check.
        retries: failures in a row that make the container unhealthy.
        start_period_seconds: how long after its start failures do not count.
    """

    argv: tuple[str, ...]
    interval_seconds: float = 30
    timeout_seconds: float = 5
    retries: int = 3
    start_period_seconds: float = 0


@dataclass(frozen=True)
class Container:
    """One container definition.

    Attributes:
        name: its name in the task.
        image: the reference of its image.
        essential: whether the task ends when it ends.
        command: replaces the image's command.
        environment: its variables, by name.
        secret_by_variable: ``valueFrom`` by the name of the variable that receives the value.
        depends_on: the containers that must have succeeded before it starts; ECS also has three other conditions.
        ports: the ports it listens on.
        health_check: how its health is asked for; nothing if the definition has no ``healthCheck``.
        stop_timeout_seconds: limit from SIGTERM to its end.
        log: where its output goes; nothing without the ``awslogs`` driver.
        user: whom it runs as; the image's own user if empty.
        root_is_read_only: whether it can write only to its volumes.
        dropped_capabilities: capabilities that it lacks, ``ALL`` for instance.
        volumes: where in it the task's volumes are.
    """

    name: str
    image: str
    essential: bool = True
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    secret_by_variable: Mapping[str, str] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    health_check: HealthCheck | None = None
    stop_timeout_seconds: float = DEFAULT_STOP_TIMEOUT_SECONDS
    log: LogDestination | None = None
    user: str = ""
    root_is_read_only: bool = False
    dropped_capabilities: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()

    def argv(self, image_command: Sequence[str]) -> list[str]:
        """Return the program and its arguments, given the image's CMD (images here have no ENTRYPOINT)."""
        return list(self.command or image_command)


@dataclass(frozen=True)
class Progress:
    """The progress of one container; ``exit_code`` is None until it has ended."""

    started: bool = False
    exit_code: int | None = None


@dataclass(frozen=True)
class Step:
    """The next actions.

    Attributes:
        start: names of the containers to start, in the definition's order.
        stop_reason: why the whole task must stop; empty while it can continue.
        failed_to_start: whether it stops before all essential containers have started.
    """

    start: tuple[str, ...] = ()
    stop_reason: str | None = None
    failed_to_start: bool = False


def read_containers(definitions: Sequence[Mapping[str, Any]]) -> tuple[Container, ...]:
    """Return the containers of a task definition, in its order.

    Raises:
        TaskDefinitionError: a dependency names no container, or a setting is not emulated.
    """
    containers = tuple(_read(definition) for definition in definitions)
    names = {container.name for container in containers}
    for container in containers:
        for dependency in container.depends_on:
            if dependency not in names:
                raise TaskDefinitionError(
                    f"Container {container.name} depends on {dependency}, which is not in the task "
                    f"definition (it has {', '.join(sorted(names))})."
                )
    return containers


def next_step(containers: Sequence[Container], progress: Mapping[str, Progress]) -> Step:
    """Return what to start, or why to stop, given how far each container got (missing: not started)."""
    running = is_running(containers, progress)
    for container in containers:
        code = progress.get(container.name, Progress()).exit_code
        if container.essential and code is not None:
            reason = f"Essential container in task exited (container {container.name}, exit code {code})"
            return Step(stop_reason=reason, failed_to_start=not running)
    start = []
    for container in containers:
        if progress.get(container.name, Progress()).started:
            continue
        codes = {name: progress.get(name, Progress()).exit_code for name in container.depends_on}
        for name, code in codes.items():
            if code:
                reason = (
                    f"Container {name} exited with code {code}, and container {container.name} depends on its SUCCESS"
                )
                return Step(stop_reason=reason, failed_to_start=True)
        if all(code == 0 for code in codes.values()):
            start.append(container.name)
    return Step(start=tuple(start))


def is_running(containers: Sequence[Container], progress: Mapping[str, Progress]) -> bool:
    """Return True if every essential container has been started, which makes the task RUNNING."""
    return all(progress.get(container.name, Progress()).started for container in containers if container.essential)


def shown_exit_code(return_code: int) -> int:
    """Return a process's return code as a container runtime shows it: 128 + n when signal n ended it."""
    return return_code if return_code >= 0 else 128 - return_code


def _read(definition: Mapping[str, Any]) -> Container:
    dependencies = definition.get("dependsOn") or ()
    for entry in dependencies:
        if entry["condition"] != "SUCCESS":
            raise TaskDefinitionError(f"The condition {entry['condition']} of dependsOn is not emulated.")
    if definition.get("entryPoint"):
        raise TaskDefinitionError(f"The entry point of container {definition['name']} is not emulated.")
    return Container(
        name=definition["name"],
        image=definition["image"],
        essential=bool(definition.get("essential", True)),
        command=tuple(definition.get("command") or ()),
        environment={entry["name"]: str(entry["value"]) for entry in definition.get("environment") or ()},
        secret_by_variable={entry["name"]: entry["valueFrom"] for entry in definition.get("secrets") or ()},
        depends_on=tuple(entry["containerName"] for entry in dependencies),
        ports=tuple(int(entry["containerPort"]) for entry in definition.get("portMappings") or ()),
        health_check=_read_health_check(definition),
        stop_timeout_seconds=float(definition.get("stopTimeout") or DEFAULT_STOP_TIMEOUT_SECONDS),
        log=_read_log(definition),
        user=str(definition.get("user") or ""),
        root_is_read_only=bool(definition.get("readonlyRootFilesystem")),
        dropped_capabilities=tuple(
            ((definition.get("linuxParameters") or {}).get("capabilities") or {}).get("drop") or ()
        ),
        volumes=tuple(entry["containerPath"] for entry in definition.get("mountPoints") or ()),
    )


def _read_health_check(definition: Mapping[str, Any]) -> HealthCheck | None:
    check = definition.get("healthCheck")
    command = list((check or {}).get("command") or ())
    if not check or not command or command[0] == "NONE":
        return None
    if command[0] != "CMD":
        raise TaskDefinitionError(f"The health check of container {definition['name']} is not emulated; use CMD.")
    return HealthCheck(
        argv=tuple(command[1:]),
        interval_seconds=float(check.get("interval") or HealthCheck.interval_seconds),
        timeout_seconds=float(check.get("timeout") or HealthCheck.timeout_seconds),
        retries=int(check.get("retries") or HealthCheck.retries),
        start_period_seconds=float(check.get("startPeriod") or 0),
    )


def _read_log(definition: Mapping[str, Any]) -> LogDestination | None:
    configuration = definition.get("logConfiguration")
    if not configuration:
        return None
    driver, options = configuration["logDriver"], configuration.get("options") or {}
    if driver != "awslogs":
        raise TaskDefinitionError(f"Container {definition['name']} uses log driver {driver}; only awslogs is emulated.")
    for name in ("awslogs-group", "awslogs-stream-prefix"):  # Fargate demands both
        if not options.get(name):
            raise TaskDefinitionError(f"Container {definition['name']} lacks the log option {name}; Fargate needs it.")
    return LogDestination(
        group=options["awslogs-group"],
        stream_prefix=options["awslogs-stream-prefix"],
    )
