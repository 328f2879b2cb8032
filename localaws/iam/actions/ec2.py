"""EC2: networks and what is in them.

EC2 resources have ids and no names, so policies tell them apart by tags: the tags of each resource that a call names,
and those that it sets, are part of the request. A resource that a call creates has only the tags that the call sets;
setting them needs ``ec2:CreateTags`` with ``ec2:CreateAction``.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html

Different from AWS: a request is made for each id in a call, whether it is the one that changes or is referred to.
"""

import re
from collections.abc import Mapping
from typing import Any

from localaws.iam.actions.context import RequestContext, request_tags, texts
from localaws.iam.evaluate import Request

_KIND_BY_PREFIX = {
    "acl": "network-acl",
    "aclassoc": "network-acl",
    "eipalloc": "elastic-ip",
    "eipassoc": "elastic-ip",
    "eni": "network-interface",
    "fl": "vpc-flow-log",
    "igw": "internet-gateway",
    "nat": "natgateway",
    "rtb": "route-table",
    "rtbassoc": "route-table",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "subnet": "subnet",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}
_ID = re.compile(rf"({'|'.join(sorted(_KIND_BY_PREFIX, key=len, reverse=True))})-[0-9a-f]{{8,}}")
_CREATED_KIND = {
    "AllocateAddress": "elastic-ip",
    "AuthorizeSecurityGroupEgress": "security-group-rule",
    "AuthorizeSecurityGroupIngress": "security-group-rule",
    "CreateFlowLogs": "vpc-flow-log",
    "CreateInternetGateway": "internet-gateway",
    "CreateNatGateway": "natgateway",
    "CreateNetworkAcl": "network-acl",
    "CreateNetworkInterface": "network-interface",
    "CreateRouteTable": "route-table",
    "CreateSecurityGroup": "security-group",
    "CreateSubnet": "subnet",
    "CreateVpc": "vpc",
    "CreateVpcEndpoint": "vpc-endpoint",
}
# AWS checks the group, also where the call names its rules.
_BY_GROUP_ONLY = ("RevokeSecurityGroup", "UpdateSecurityGroupRuleDescriptions")
_TAGGING = frozenset({"CreateTags", "DeleteTags"})


def ec2(operation: str, parameters: Mapping[str, Any], ctx: RequestContext) -> list[Request]:
    """Return a request for each resource that a call names or creates; one without a resource for reads."""
    action = f"ec2:{operation}"
    if operation.startswith("Describe"):
        return [Request(action, None)]
    tags = request_tags(parameters)
    ids = [match for text in texts(parameters) if (match := _ID.fullmatch(text))]
    if operation.startswith(_BY_GROUP_ONLY):
        ids = [match for match in ids if match[1] != "sgr"]
    requests = [
        Request(
            action,
            ctx.arn("ec2", f"{_KIND_BY_PREFIX[match[1]]}/{match[0]}"),
            {**(tags if operation in _TAGGING else {}), **ctx.resource_tags(match[0])},
        )
        for match in ids
    ]
    if operation in _CREATED_KIND:
        created = ctx.arn("ec2", f"{_CREATED_KIND[operation]}/*")
        requests.append(Request(action, created, tags))
        if tags:
            requests.append(Request("ec2:CreateTags", created, {**tags, "ec2:CreateAction": operation}))
    return requests or [Request(action, None, tags)]


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
