"""The form in which ECS stores requests: defaults of container definitions, and the strategy of a service.

Pure. Sources: the rows ECS-2 and ECS-3 of docs/aws-behaviours.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any

_DEFAULTS: Mapping[str, Any] = {
    "cpu": 0,
    "environment": [],
    "mountPoints": [],
    "portMappings": [],
    "systemControls": [],
    "volumesFrom": [],
}
_HEALTH_CHECK = {"interval": 30, "timeout": 5, "retries": 3}


def as_stored(container: Mapping[str, Any]) -> dict[str, Any]:
    """Return a container definition of a Fargate task as DescribeTaskDefinition shows it."""
    stored = {**_DEFAULTS, **container}
    stored["portMappings"] = [
        {"protocol": "tcp", "hostPort": port["containerPort"], **port} for port in stored["portMappings"]
    ]
    if stored.get("healthCheck"):
        stored["healthCheck"] = {**_HEALTH_CHECK, **stored["healthCheck"]}
    if stored.get("linuxParameters"):
        parameters = dict(stored["linuxParameters"])
        capabilities = parameters.pop("capabilities", None)
        if capabilities:
            parameters["capabilities"] = {"add": [], "drop": [], **capabilities}
        stored["linuxParameters"] = parameters
    return stored


def capacity_provider(strategy: Sequence[Mapping[str, Any]], placed: Mapping[str, int]) -> str:
    """Return the capacity provider of the next task: the bases first, then the one furthest below its share.

    A provider with weight 0, the default, places no tasks.

    Args:
        strategy: as in CreateService.
        placed: running tasks by provider.

    Raises:
        ValueError: no provider has a weight.
    """
    usable = [one for one in strategy if one.get("weight")]
    if not usable:
        raise ValueError("The capacity provider strategy needs a capacity provider with a weight greater than 0.")
    for one in usable:
        if placed.get(one["capacityProvider"], 0) < one.get("base", 0):
            return str(one["capacityProvider"])

    def share(one: Mapping[str, Any]) -> float:
        return float((placed.get(one["capacityProvider"], 0) - one.get("base", 0) + 1) / one["weight"])

    return str(min(usable, key=share)["capacityProvider"])
