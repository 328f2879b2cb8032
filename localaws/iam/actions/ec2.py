"""EC2: networks and what is in them.

EC2 resources have ids and no names, so policies tell them apart by tags: the tags of each resource that a call names,
and those that it sets, are part of the request.

Different from AWS: a request is made for each id in a call, whether it is the one that changes or is referred to.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from localaws.iam.actions.context import request_tags, texts
from localaws.iam.evaluate import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.iam.actions.context import RequestContext

_KIND_BY_PREFIX = {
    "acl": "network-acl",
    "aclassoc": "network-acl",
    "eipalloc": "elastic-ip",
    "fl": "vpc-flow-log",
    "igw": "internet-gateway",
    "nat": "natgateway",
    "rtb": "route-table",
    "rtbassoc": "route-table",
    "sg": "security-group",
    "subnet": "subnet",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}
_ID = re.compile(rf"({'|'.join(sorted(_KIND_BY_PREFIX, key=len, reverse=True))})-[0-9a-f]{{8,}}")


def ec2(operation: str, parameters: Mapping[str, Any], ctx: RequestContext) -> list[Request]:
    """Return a request for each resource that a change names; one without a resource for reads and creations."""
    action = f"ec2:{operation}"
    if operation.startswith("Describe"):
        return [Request(action, None)]
    tags = request_tags(parameters)
    ids = [match for text in texts(parameters) if (match := _ID.fullmatch(text))]
    return [
        Request(
            action,
            ctx.arn("ec2", f"{_KIND_BY_PREFIX[match[1]]}/{match[0]}"),
            {**tags, **ctx.resource_tags(match[0])},
        )
        for match in ids
    ] or [Request(action, None, tags)]


def network_interface_permissions(
    subnet_ids: list[str], security_group_ids: list[str], ctx: RequestContext
) -> list[Request]:
    """Return what the role of a function in a VPC must be allowed: Lambda creates the interfaces as that role."""
    used = [f"subnet/{name}" for name in subnet_ids] + [f"security-group/{name}" for name in security_group_ids]
    return [
        *(Request("ec2:CreateNetworkInterface", ctx.arn("ec2", name)) for name in ["network-interface/*", *used]),
        Request("ec2:DescribeNetworkInterfaces", "*"),
        Request("ec2:DeleteNetworkInterface", ctx.arn("ec2", "network-interface/*")),
    ]
