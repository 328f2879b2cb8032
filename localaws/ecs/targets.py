"""The target groups of one ECS service, reached through moto's backend as ECS reaches them through ELB's API.

A target group that has been deleted meanwhile is passed over: a service that is being destroyed has other worries.
"""

import contextlib
from typing import Any

from moto.ecs.models import Service
from moto.elbv2.exceptions import InvalidTargetError, TargetGroupNotFoundError
from moto.elbv2.models import elbv2_backends

from localaws.settings import Settings


class ServiceTargets:
    """Registers tasks by their address and asks for their health."""

    def __init__(self, settings: Settings, service: Service) -> None:
        self._settings = settings
        self._service = service

    def register(self, address: str) -> None:
        """Register a task in every target group of the service."""
        for group, port in self._groups():
            with contextlib.suppress(TargetGroupNotFoundError):
                self._elb.register_targets(group, [{"Id": address, "Port": port}])

    def deregister(self, address: str) -> None:
        """Take a task out of every target group; its requests go on."""
        for group, port in self._groups():
            with contextlib.suppress(TargetGroupNotFoundError, InvalidTargetError):
                self._elb.deregister_targets(group, [{"Id": address, "Port": port}])

    def states(self, address: str) -> list[str]:
        """The task's state in each target group; empty without target groups."""
        return [health.status for health in self._health(address)]

    def describe_health(self, address: str) -> str:
        """What the load balancer has against a task, for people."""
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
