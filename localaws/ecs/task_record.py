"""One task as DescribeTasks shows it, and its network interface.

moto's own task advances through its states whenever it is described; this one shows what really happens. moto reads the
attributes by the API's names in snake case.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ecs.models import Cluster, TaskDefinition
from moto.moto_api._internal import mock_random

from localaws.ecs.containers import Container, Progress
from localaws.settings import Context, Settings

if TYPE_CHECKING:
    from datetime import datetime


class TaskRecord:
    """One task as the API shows it.

    Attributes:
        id: the last part of its ARN.
        enable_execute_command: whether the agent of ECS Exec runs in its containers.
        address: its address in a subnet.
        last_status: PROVISIONING, PENDING, RUNNING, DEACTIVATING, STOPPING, DEPROVISIONING or STOPPED.
        capacity_provider_name: where it runs; None if the service has no capacity provider strategy.
        desired_status: RUNNING, or STOPPED once it must end.
        stop_code: why it ended, in one word.
        stopped_reason: why it ended, for people.
    """

    def __init__(
        self,
        context: Context,
        cluster: Cluster,
        definition: TaskDefinition,
        containers: Sequence[Container],
        *,
        group: str,
        started_by: str,
        network: dict[str, Any],
        tags: list[dict[str, str]],
        has_agent: bool = False,
    ) -> None:
        self.id = str(mock_random.uuid4()).replace("-", "")
        settings = self._settings = context.settings
        self.task_arn = f"arn:aws:ecs:{settings.region}:{settings.account_id}:task/{cluster.name}/{self.id}"
        self.cluster_name, self.cluster_arn = cluster.name, cluster.arn
        self.task_definition_arn = definition.arn
        self.group, self.started_by, self.tags = group, started_by, tags
        self.enable_execute_command = has_agent
        self.cpu, self.memory = definition.cpu, definition.memory
        self.launch_type: str | None = "FARGATE"
        self.capacity_provider_name: str | None = None
        self.platform_version, self.platform_family = "1.4.0", "Linux"
        self.container_instance_arn = None
        self.desired_status, self.last_status = "RUNNING", "PROVISIONING"
        self.health_status = "UNKNOWN"
        self.stop_code: str | None = None
        self.stopped_reason: str | None = None
        self.created_at = utcnow()
        self.started_at: datetime | None = None
        self.stopping_at: datetime | None = None
        self.stopped_at: datetime | None = None
        self.version = 1
        self._interface = _attach(context, network, f"ECS task {self.id}")
        self.address = str(self._interface.private_ip_address)
        self.availability_zone = self._interface.subnet.availability_zone
        attachment_id = str(mock_random.uuid4())
        self.attachments = [self._attachment(attachment_id)]
        self.containers = [self._container(container, attachment_id) for container in containers]

    def advance(self) -> None:
        """Do nothing: moto would move its own tasks on."""

    def moved_to(self, status: str) -> None:
        """Show another ``last_status``, with the time at which it was reached."""
        self.last_status = status
        self.version += 1
        if status == "RUNNING":
            self.started_at = utcnow()
        elif status == "STOPPING":
            self.stopping_at = utcnow()
        elif status == "STOPPED":
            self.stopped_at = utcnow()

    def ends(self, code: str, reason: str) -> None:
        """Show that the task must end, and why. The first reason stays."""
        self.desired_status = "STOPPED"
        self.stop_code = self.stop_code or code
        self.stopped_reason = self.stopped_reason or reason

    def show_container(self, name: str, progress: Progress) -> None:
        """Show how far one container got."""
        for container in self.containers:
            if container["name"] == name:
                ended = progress.exit_code is not None
                container["lastStatus"] = "STOPPED" if ended else "RUNNING"
                container["exitCode"] = progress.exit_code

    def show_agent(self, name: str, status: str) -> None:
        """Show the agent of ECS Exec in one container as RUNNING or STOPPED."""
        for container in self.containers:
            if container["name"] == name:
                container["managedAgents"] = [{"name": "ExecuteCommandAgent", "lastStatus": status}]

    def show_health(self, name: str, health: str) -> None:
        """Show a container's health: HEALTHY, UNHEALTHY or UNKNOWN; the task's is the worst of its containers'."""
        for container in self.containers:
            if container["name"] == name:
                container["healthStatus"] = health
        checked = {container["healthStatus"] for container in self.containers} - {"UNKNOWN"}
        self.health_status = "UNHEALTHY" if "UNHEALTHY" in checked else "HEALTHY" if checked else "UNKNOWN"

    def detach(self) -> None:
        """Delete the network interface: a subnet with interfaces in it cannot be deleted."""
        _ec2(self._settings).enis.pop(self._interface.id, None)
        for attachment in self.attachments:
            attachment["status"] = "DELETED"

    def _attachment(self, attachment_id: str) -> dict[str, Any]:
        interface = self._interface
        return {
            "id": attachment_id,
            "type": "ElasticNetworkInterface",
            "status": "ATTACHED",
            "details": [
                {"name": "subnetId", "value": interface.subnet.id},
                {"name": "networkInterfaceId", "value": interface.id},
                {"name": "macAddress", "value": interface.mac_address},
                {"name": "privateIPv4Address", "value": self.address},
            ],
        }

    def _container(self, container: Container, attachment_id: str) -> dict[str, Any]:
        runtime_id = f"{self.id}-{mock_random.randint(10**9, 10**10 - 1)}"
        return {
            "containerArn": f"{self.task_arn.replace(':task/', ':container/')}/{mock_random.uuid4()}",
            "taskArn": self.task_arn,
            "name": container.name,
            "image": container.image,
            "runtimeId": runtime_id,
            "lastStatus": "PENDING",
            "exitCode": None,
            "healthStatus": "UNKNOWN",
            "networkInterfaces": [{"attachmentId": attachment_id, "privateIpv4Address": self.address}],
        }


def _attach(context: Context, network: dict[str, Any], description: str) -> Any:
    """Create a network interface in the task's subnet that has the fewest."""
    configuration = network["awsvpcConfiguration"]
    backend = _ec2(context.settings)
    interfaces = list(backend.enis.values())
    in_use = {subnet: sum(one.subnet.id == subnet for one in interfaces) for subnet in configuration["subnets"]}
    subnet = backend.get_subnet(min(in_use, key=lambda name: in_use[name]))
    taken = {str(one.private_ip_address) for one in interfaces if one.subnet.id == subnet.id}
    interface = backend.create_network_interface(
        subnet.id,
        context.addresses.assign(subnet.cidr_block, taken),
        group_ids=configuration.get("securityGroups") or [],
        description=description,
    )
    interface.status = "in-use"
    return interface


def _ec2(settings: Settings) -> EC2Backend:
    backend: EC2Backend = ec2_backends[settings.account_id][settings.region]
    return backend
