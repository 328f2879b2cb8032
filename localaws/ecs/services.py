"""ECS services and tasks that really run.

CreateService starts a controller that keeps the service's tasks running (``controller``), UpdateService begins a
rolling deployment, DeleteService drains. Calls about single tasks are in ``task_api``. DescribeServices and
DescribeTasks show what really happens.

Different from AWS: everything runs as on Fargate, with any launch type. Only the rolling update of the ECS
deployment controller is emulated (no CODE_DEPLOY or EXTERNAL, no native blue/green, Service Connect or service
discovery). Nothing scales automatically: Application Auto Scaling stores its settings and never acts. A deleted service
stays INACTIVE for as long as the server runs.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from botocore import xform_name
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ecs.exceptions import InvalidParameterException
from moto.ecs.models import Cluster, EC2ContainerServiceBackend, Service, TaskDefinition
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.elbv2.models import elbv2_backends

from localaws.cloudwatch.metrics import Gauge, Measurement
from localaws.ecs.containers import read_containers
from localaws.ecs.controller import ServiceController
from localaws.ecs.definitions import as_stored, capacity_provider
from localaws.ecs.task_api import TaskCalls, parameter
from localaws.ecs.tasks import TaskRun
from localaws.patch import MonkeyPatch
from localaws.settings import Context

# Parameters of CreateService that moto's service does not keep.
_KEPT_SETTINGS = (
    "availabilityZoneRebalancing",
    "capacityProviderStrategy",
    "deploymentConfiguration",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
)
# A change of these makes ECS replace the tasks; a change of others does not.
_DEPLOYED_SETTINGS = frozenset(
    {
        "capacity_provider_strategy",
        "load_balancers",
        "network_configuration",
        "platform_version",
        "task_definition",
    }
)


class Services:
    """The controllers of services, and their tasks."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._patch = MonkeyPatch()
        self._tasks = TaskCalls(context, self._patch)
        self._controllers: dict[str, ServiceController] = {}
        self._extend_creation()
        self._extend_changes()
        self._store_definitions()
        self._gauge = Gauge(context, self._measured)

    def stop(self) -> None:
        """End every task."""
        self._gauge.stop()
        self._patch.undo()
        for controller in list(self._controllers.values()):
            controller.stop()
        self._tasks.stop()

    def status(self) -> dict[str, Any]:
        """Return each service by name, and every task in the order of creation, including stopped ones."""
        return {
            "services": {
                controller.service.name: controller.status() for controller in list(self._controllers.values())
            },
            "tasks": [run.status() for run in self._tasks.runs()],
        }

    def _measured(self) -> Iterator[Measurement]:
        """Yield what Container Insights counts."""
        for service in [controller.service for controller in list(self._controllers.values())]:
            dimensions = {"ClusterName": service.cluster_name, "ServiceName": service.name}
            counts = {"DesiredTaskCount": service.desired_count, "RunningTaskCount": service.running_count}
            yield "ECS/ContainerInsights", dimensions, counts

    def _extend_creation(self) -> None:
        @self._patch.method(EC2ContainerServiceResponse, "create_service")
        def create(original: Any, response: EC2ContainerServiceResponse) -> Any:
            backend: EC2ContainerServiceBackend = response.ecs_backend
            self._refuse_second(response)
            self._check_load_balancers(response)
            if strategy := parameter(response, "capacityProviderStrategy"):
                try:
                    capacity_provider(strategy, {})
                except ValueError as error:
                    raise InvalidParameterException(str(error)) from error
            answer = original(response)
            service: Service = answer.result["service"]
            for name in _KEPT_SETTINGS:
                value = parameter(response, name)
                if value is not None:
                    setattr(service, xform_name(name), value)
            if parameter(response, "capacityProviderStrategy"):
                service.launch_type = None
            service.platform_version = service.platform_version or "LATEST"
            vars(service)["created_at"] = utcnow()
            if service.deployment_controller["type"] == "ECS":
                controller = ServiceController(self._context, service, self._launcher(backend))
                self._controllers[service.arn] = controller
            return answer

        @self._patch.method(EC2ContainerServiceBackend, "delete_service")
        def delete(original: Any, backend: EC2ContainerServiceBackend, *arguments: Any, **named: Any) -> Any:
            service: Service = original(backend, *arguments, **named)
            controller = self._controllers.get(service.arn)
            if controller is not None:
                controller.retire()
            return service

    def _store_definitions(self) -> None:
        @self._patch.method(EC2ContainerServiceBackend, "register_task_definition")
        def register(original: Any, *arguments: Any, **named: Any) -> TaskDefinition:
            definition: TaskDefinition = original(*arguments, **named)
            definition.container_definitions = [as_stored(one) for one in definition.container_definitions]
            return definition

    def _extend_changes(self) -> None:
        @self._patch.method(EC2ContainerServiceResponse, "update_service")
        def update(_original: Any, response: EC2ContainerServiceResponse) -> Any:
            changes = {xform_name(name): value for name, value in response._get_params().items()}  # noqa: SLF001
            return ActionResult({"service": self._update(response.ecs_backend, changes)})

    def _update(self, backend: EC2ContainerServiceBackend, changes: dict[str, Any]) -> Service:
        cluster = backend._get_cluster(changes.pop("cluster", None) or "default")  # noqa: SLF001
        service = backend._get_service(cluster.name, str(changes.pop("service")).rsplit("/", 1)[-1])  # noqa: SLF001
        if service.status != "ACTIVE":
            raise InvalidParameterException(f"Service {service.name} is {service.status} and cannot be updated.")
        is_forced = bool(changes.pop("force_new_deployment", False))
        if changes.get("task_definition"):
            changes["task_definition"] = backend.describe_task_definition(changes["task_definition"]).arn
        changed = {
            name: value
            for name, value in changes.items()
            if value is not None and value != getattr(service, name, None)
        }
        for name, value in changed.items():
            setattr(service, name, value)
        controller = self._controllers.get(service.arn)
        if controller is not None:
            if is_forced or _DEPLOYED_SETTINGS & changed.keys():
                controller.deploy()
            controller.wake()
        return service

    def _launcher(self, backend: EC2ContainerServiceBackend) -> Any:
        def launch(
            service: Service,
            deployment: dict[str, Any],
            before_stop: Callable[[TaskRun], None],
            on_change: Callable[[], None],
        ) -> TaskRun:
            definition = backend.describe_task_definition(deployment["taskDefinition"])
            cluster = backend._get_cluster(service.cluster_name)  # noqa: SLF001
            run = self._tasks.new_run(
                backend,
                cluster,
                definition,
                read_containers(definition.container_definitions),
                group=f"service:{service.name}",
                started_by=deployment["id"],
                network=deployment["networkConfiguration"],
                tags=_tags_of_tasks(service, cluster, definition),
                has_agent=bool(getattr(service, "enable_execute_command", False)),
                before_stop=before_stop,
                on_change=on_change,
            )
            if strategy := deployment["capacityProviderStrategy"]:
                run.record.launch_type = None
                run.record.capacity_provider_name = capacity_provider(strategy, self._placed(deployment["id"]))
            return run

        return launch

    def _placed(self, deployment_id: str) -> Counter[str]:
        """Return the number of tasks of a deployment by capacity provider."""
        return Counter(
            str(run.record.capacity_provider_name)
            for run in self._tasks.runs()
            if run.record.started_by == deployment_id and run.record.desired_status == "RUNNING"
        )

    def _refuse_second(self, response: EC2ContainerServiceResponse) -> None:
        """Refuse a service of a name that is taken; moto would replace it without a word."""
        name, cluster = parameter(response, "serviceName"), parameter(response, "cluster") or "default"
        services, _ = response.ecs_backend.describe_services(cluster, [name])
        if any(service.status != "INACTIVE" for service in services):
            raise InvalidParameterException("Creation of service was not idempotent.")

    def _check_load_balancers(self, response: EC2ContainerServiceResponse) -> None:
        """Refuse a target group without a load balancer."""
        elb = elbv2_backends[self._context.settings.account_id][self._context.settings.region]
        for balancer in parameter(response, "loadBalancers") or []:
            arn = balancer.get("targetGroupArn")
            if arn and not elb._any_listener_using(arn):  # noqa: SLF001 - moto has no other way to ask
                raise InvalidParameterException(
                    f"The target group with targetGroupArn {arn} does not have an associated load balancer."
                )


def _tags_of_tasks(service: Service, cluster: Cluster, definition: TaskDefinition) -> list[dict[str, str]]:
    source = {"SERVICE": service.tags, "TASK_DEFINITION": definition.tags}.get(str(service.propagate_tags)) or []
    managed = [("aws:ecs:clusterName", cluster.name), ("aws:ecs:serviceName", service.name)]
    if not getattr(service, "enable_ecs_managed_tags", False):
        managed = []
    return [*source, *({"key": key, "value": value} for key, value in managed)]
