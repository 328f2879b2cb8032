"""RunTask, StopTask and ListTasks, and the creation of every task: a record for moto, and the run behind it.

Different from AWS: RunTask starts one task, and overrides only commands. A stopped task is shown while the server runs.
"""

from collections.abc import Callable, Sequence
from typing import Any

from moto.core.responses import ActionResult
from moto.ecs.exceptions import InvalidParameterException
from moto.ecs.models import Cluster, EC2ContainerServiceBackend, TaskDefinition
from moto.ecs.responses import EC2ContainerServiceResponse

from localaws.ecs.containers import Container, read_containers
from localaws.ecs.logs import TaskLogs
from localaws.ecs.task_record import TaskRecord
from localaws.ecs.tasks import TaskRun
from localaws.patch import MonkeyPatch
from localaws.settings import Context

STOP_SECONDS = 15


class TaskCalls:
    """Makes tasks, and answers the calls about them.

    Args:
        context: of the local AWS.
        patch: of the service; the calls are replaced through it.
    """

    def __init__(self, context: Context, patch: MonkeyPatch) -> None:
        self._context = context
        self._logs = TaskLogs(context.journal)
        self._runs: dict[str, TaskRun] = {}

        @patch.method(EC2ContainerServiceResponse, "list_tasks")
        def list_tasks(_original: Any, response: EC2ContainerServiceResponse) -> Any:
            return ActionResult({"taskArns": self._list(response)})

        @patch.method(EC2ContainerServiceResponse, "stop_task")
        def stop_task(_original: Any, response: EC2ContainerServiceResponse) -> Any:
            run = self._runs.get(str(parameter(response, "task")).rsplit("/", 1)[-1])
            if run is None:
                raise InvalidParameterException("The referenced task was not found.")
            run.stop(parameter(response, "reason") or "Task stopped by user", "UserInitiated")
            return ActionResult({"task": run.record})

        @patch.method(EC2ContainerServiceResponse, "run_task")
        def run_task(_original: Any, response: EC2ContainerServiceResponse) -> Any:
            return ActionResult({"tasks": [self._run(response).record], "failures": []})

    def runs(self) -> list[TaskRun]:
        """Return every task in the order of creation, including stopped ones."""
        return list(self._runs.values())

    def stop(self) -> None:
        """End every task that still runs."""
        runs = [run for run in self._runs.values() if not run.is_over]
        for run in runs:
            run.stop("The local AWS has stopped")
        for run in runs:
            run.join(STOP_SECONDS)
        self._logs.stop()

    def new_run(
        self,
        backend: EC2ContainerServiceBackend,
        cluster: Cluster,
        definition: TaskDefinition,
        containers: Sequence[Container],
        *,
        group: str,
        started_by: str,
        network: dict[str, Any],
        tags: list[dict[str, str]],
        has_agent: bool = False,
        before_stop: Callable[[TaskRun], None] = lambda _run: None,
        on_change: Callable[[], None] = lambda: None,
    ) -> TaskRun:
        """Create a task that moto knows and that has not begun; see ``TaskRecord`` and ``TaskRun``."""
        record = TaskRecord(
            self._context,
            cluster,
            definition,
            containers,
            group=group,
            started_by=started_by,
            network=network,
            tags=tags,
            has_agent=has_agent,
        )

        def changed() -> None:
            _count_tasks(backend, cluster)
            on_change()

        run = self._runs[record.id] = TaskRun(
            self._context,
            self._logs,
            record,
            containers,
            execution_role_arn=getattr(definition, "execution_role_arn", None),
            task_role_arn=getattr(definition, "task_role_arn", None),
            before_stop=before_stop,
            on_change=changed,
        )
        backend.tasks.setdefault(cluster.name, {})[record.task_arn] = record  # type: ignore[assignment]  # stands in
        return run

    def _run(self, response: EC2ContainerServiceResponse) -> TaskRun:
        backend = response.ecs_backend
        definition = backend.describe_task_definition(parameter(response, "taskDefinition"))
        propagated = definition.tags if parameter(response, "propagateTags") == "TASK_DEFINITION" else None
        has_agent = bool(parameter(response, "enableExecuteCommand"))
        if has_agent and not getattr(definition, "task_role_arn", None):
            raise InvalidParameterException("ECS Exec needs a task definition with a valid taskRoleArn.")
        run = self.new_run(
            backend,
            backend._get_cluster(parameter(response, "cluster") or "default"),  # noqa: SLF001
            definition,
            read_containers(_overridden(definition.container_definitions, parameter(response, "overrides") or {})),
            group=parameter(response, "group") or f"family:{definition.family}",
            started_by=parameter(response, "startedBy") or "",
            network=parameter(response, "networkConfiguration"),
            tags=[*(parameter(response, "tags") or []), *(propagated or [])],
            has_agent=has_agent,
        )
        run.begin()
        return run

    def _list(self, response: EC2ContainerServiceResponse) -> list[str]:
        backend = response.ecs_backend
        cluster = backend._get_cluster(parameter(response, "cluster") or "default")  # noqa: SLF001
        service, family = parameter(response, "serviceName"), parameter(response, "family")
        wanted = {
            "desired_status": parameter(response, "desiredStatus") or "RUNNING",
            "group": f"service:{service.rsplit('/', 1)[-1]}" if service else None,
        }
        return [
            task.task_arn
            for task in list(backend.tasks.get(cluster.name, {}).values())
            if all(value is None or getattr(task, name) == value for name, value in wanted.items())
            and (family is None or f"/{family}:" in task.task_definition_arn)
        ]


def parameter(response: EC2ContainerServiceResponse, name: str) -> Any:
    """Return a parameter of the call that moto is answering."""
    return response._get_param(name)  # noqa: SLF001 - moto's way to read one


def _overridden(definitions: list[dict[str, Any]], overrides: dict[str, Any]) -> list[dict[str, Any]]:
    by_name = {one["name"]: one["command"] for one in overrides.get("containerOverrides", [])}
    return [{**one, **({"command": by_name[one["name"]]} if one["name"] in by_name else {})} for one in definitions]


def _count_tasks(backend: EC2ContainerServiceBackend, cluster: Cluster) -> None:
    statuses = [task.last_status for task in list(backend.tasks.get(cluster.name, {}).values())]
    cluster.running_tasks_count = statuses.count("RUNNING")
    cluster.pending_tasks_count = statuses.count("PROVISIONING") + statuses.count("PENDING")
