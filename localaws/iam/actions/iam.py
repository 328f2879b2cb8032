"""IAM and STS: roles with their boundaries, and passing a role to a service.

Different from AWS: the boundary of an existing role is looked up; AWS has it in the request.
"""

import re
from collections.abc import Mapping
from typing import Any

from localaws.iam.actions.context import RequestContext, request_tags, texts
from localaws.iam.evaluate import Request

_ROLE_ARN = re.compile(r"arn:aws:iam::\d{12}:role/.+")
# The service that assumes a passed role, by the service that is called.
_PASSED_TO = {
    "ec2": "vpc-flow-logs.amazonaws.com",
    "ecs": "ecs-tasks.amazonaws.com",
    "events": "events.amazonaws.com",
    "lambda": "lambda.amazonaws.com",
    "rds": "monitoring.rds.amazonaws.com",
    "scheduler": "scheduler.amazonaws.com",
}
_BOUNDED_OPERATIONS = frozenset(
    {
        "AttachRolePolicy",
        "DeleteRolePolicy",
        "DetachRolePolicy",
        "PutRolePermissionsBoundary",
        "PutRolePolicy",
        "UpdateAssumeRolePolicy",
    }
)


def iam(operation: str, parameters: Mapping[str, Any], ctx: RequestContext) -> list[Request]:
    """Return a request for the role with its current or new boundary; without a resource for anything else."""
    name = parameters.get("RoleName")
    action = f"iam:{operation}"
    if name is None:
        return [Request(action, None)]
    conditions = request_tags(parameters)
    boundary = parameters.get("PermissionsBoundary")
    if boundary is None and operation in _BOUNDED_OPERATIONS:
        boundary = ctx.find_boundary(name)
    if boundary:
        conditions["iam:PermissionsBoundary"] = boundary
    if parameters.get("PolicyArn"):
        conditions["iam:PolicyARN"] = parameters["PolicyArn"]
    return [Request(action, f"arn:aws:iam::{ctx.account_id}:role/{name}", conditions)]


def sts(operation: str, parameters: Mapping[str, Any], _ctx: RequestContext) -> list[Request]:
    """Return a request for the role that is assumed."""
    return [Request(f"sts:{operation}", parameters.get("RoleArn") or "*")]


def passed_roles(service: str, parameters: Mapping[str, Any]) -> list[Request]:
    """Return ``iam:PassRole`` for each role that a call passes to the service that will assume it."""
    if service not in _PASSED_TO:
        return []
    roles = sorted({text for text in texts(parameters) if _ROLE_ARN.fullmatch(text)})
    return [Request("iam:PassRole", role, {"iam:PassedToService": _PASSED_TO[service]}) for role in roles]
