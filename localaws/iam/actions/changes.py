"""Which permissions the calls need that change networks, roles, keys and certificates: those of a deployment.

What has an id and no name is told apart by its tags, so the tags of each resource that a call names, and those that
it gives, go into the context as AWS puts them there (``aws:ResourceTag/...``, ``aws:RequestTag/...``). A call that
hands a role to a service needs ``iam:PassRole`` for it.

Different from AWS: a resource is judged once for each id that stands in a call, be it the one that is changed or one
that is referred to; and a role's boundary is looked up where AWS has it in the context.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from localaws.iam.evaluate import Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from localaws.iam.actions.required import Surroundings

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
_EC2_ID = re.compile(rf"({'|'.join(sorted(_KIND_BY_PREFIX, key=len, reverse=True))})-[0-9a-f]{{8,}}")
_ROLE_ARN = re.compile(r"arn:aws:iam::\d{12}:role/.+")
# Who a role is handed to, by the service that is called.
_PASSED_TO = {
    "ec2": "vpc-flow-logs.amazonaws.com",
    "ecs": "ecs-tasks.amazonaws.com",
    "events": "events.amazonaws.com",
    "lambda": "lambda.amazonaws.com",
    "rds": "monitoring.rds.amazonaws.com",
    "scheduler": "scheduler.amazonaws.com",
}
_BOUNDED_OPERATIONS = frozenset(
    {"AttachRolePolicy", "DeleteRolePolicy", "DetachRolePolicy", "PutRolePermissionsBoundary", "PutRolePolicy"}
)


def ec2(operation: str, parameters: Mapping[str, Any], around: Surroundings) -> list[Request]:
    """One request for each resource that a change names; one without a resource for a description or a creation."""
    action = f"ec2:{operation}"
    if operation.startswith("Describe"):
        return [Request(action, None)]
    given = _given_tags(parameters)
    named = [match for text in _texts(parameters) if (match := _EC2_ID.fullmatch(text))]
    return [
        Request(
            action,
            around.arn("ec2", f"{_KIND_BY_PREFIX[match[1]]}/{match[0]}"),
            {**given, **_tags_of(match[0], around)},
        )
        for match in named
    ] or [Request(action, None, given)]


def iam(operation: str, parameters: Mapping[str, Any], around: Surroundings) -> list[Request]:
    """A role with its boundary, the one it has or is about to get; anything else without its resource."""
    name = parameters.get("RoleName")
    action = f"iam:{operation}"
    if name is None:
        return [Request(action, None)]
    context = _given_tags(parameters)
    boundary = parameters.get("PermissionsBoundary")
    if boundary is None and operation in _BOUNDED_OPERATIONS:
        boundary = around.find_boundary(name)
    if boundary:
        context["iam:PermissionsBoundary"] = boundary
    if parameters.get("PolicyArn"):
        context["iam:PolicyARN"] = parameters["PolicyArn"]
    return [Request(action, f"arn:aws:iam::{around.account_id}:role/{name}", context)]


def acm(operation: str, parameters: Mapping[str, Any], around: Surroundings) -> list[Request]:
    """A certificate with its tags, or the tags of the one that is asked for."""
    arn = parameters.get("CertificateArn")
    context = {**_given_tags(parameters), **(_tags_of(arn, around) if arn else {})}
    return [Request(f"acm:{operation}", arn, context)]


def keys(operation: str, parameters: Mapping[str, Any], around: Surroundings) -> list[Request]:
    """A key with its tags and its encryption context; and the alias, if the call names one."""
    action = f"kms:{operation}"
    key = parameters.get("KeyId") or parameters.get("TargetKeyId")
    arn = around.find_key_arn(key) if key else None
    context = {
        f"kms:EncryptionContext:{name}": value for name, value in (parameters.get("EncryptionContext") or {}).items()
    }
    context |= _given_tags(parameters)
    if arn:
        context |= _tags_of(arn, around)
    alias = parameters.get("AliasName")
    requests = [Request(action, around.arn("kms", alias))] if alias else []
    return requests if alias and not key else [Request(action, arn, context), *requests]


def passed_roles(service: str, parameters: Mapping[str, Any]) -> list[Request]:
    """The permission to hand each role that a call names to the service that will use it."""
    if service not in _PASSED_TO:
        return []
    roles = sorted({text for text in _texts(parameters) if _ROLE_ARN.fullmatch(text)})
    return [Request("iam:PassRole", role, {"iam:PassedToService": _PASSED_TO[service]}) for role in roles]


def _tags_of(identifier: str, around: Surroundings) -> dict[str, str]:
    return {f"aws:ResourceTag/{name}": value for name, value in around.find_tags(identifier).items()}


def _given_tags(parameters: Mapping[str, Any]) -> dict[str, str]:
    specifications = parameters.get("TagSpecifications") or []
    tags = [
        *(parameters.get("Tags") or []),
        *(tag for specification in specifications for tag in specification["Tags"]),
    ]
    # KMS spells its tags' members another way.
    return {f"aws:RequestTag/{tag.get('Key') or tag['TagKey']}": tag.get("Value") or tag["TagValue"] for tag in tags}


def _texts(value: object) -> Iterator[str]:
    """Every text in nested parameters, but for what filters look for."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, member in value.items():
            if name != "Filters":
                yield from _texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member)
