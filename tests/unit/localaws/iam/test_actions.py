"""Each call needs the permissions that IAM's service authorization reference names for it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from localaws.http.call import ApiCall
from localaws.iam.actions.context import KnownSecret, RequestContext
from localaws.iam.actions.ec2 import network_interface_permissions
from localaws.iam.actions.required import required_permissions
from localaws.iam.evaluate import Request

PLACE = "us-east-1:123456789012"
KEYS = {
    name: f"arn:aws:kms:{PLACE}:key/{key}" for name, key in {"k": "k", "plain": "plain", "alias/own": "plain"}.items()
}
SECRETS = {
    "app": KnownSecret(f"arn:aws:secretsmanager:{PLACE}:secret:app-AbCdEf", None),
    "sealed": KnownSecret("arn:sealed", KEYS["plain"]),
}
VPC = "vpc-0123456789abcdef0"
TAGGED = {VPC, KEYS["k"], "arn:aws:acm:us-east-1:123456789012:certificate/c", f"arn:aws:ecs:{PLACE}:task/shop/t"}
BOUNDARY = "arn:aws:iam::123456789012:policy/app-dev-boundary"
CONTEXT = RequestContext(
    "123456789012",
    "us-east-1",
    find_secret=SECRETS.get,
    find_key_arn=lambda name: KEYS.get(name, name),
    find_tags=lambda name: {"Environment": "dev"} if name in TAGGED else {},
    find_boundary=lambda name: BOUNDARY if name == "app-dev-task" else None,
    find_task_roles=lambda _definition: ["arn:role"],
    has_linked_role=lambda service: service != "ecs.amazonaws.com",
)
ROWS = yaml.safe_load(Path(__file__).with_name("actions.yaml").read_text().replace("PLACE", PLACE))


def request(action: str, resource: str | None, context: dict[str, str | list[str]] | None = None) -> Request:
    values = (context or {}).items()
    return Request(action, resource, {key: tuple(value) if isinstance(value, list) else value for key, value in values})


@pytest.mark.aws("EVENTS-18", "IAM-4", "IAM-5", "IAM-6", "IAM-7", "IAM-8", "IAM-9", "IAM-10", "KMS-1", "SSM-5")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_call_needs(row: list[Any]) -> None:
    _, call, parameters, *needed = row
    service, operation = call.split()
    made = ApiCall(service, operation, parameters, "", "json", None, {}, b"")
    assert required_permissions(made, CONTEXT) == [request(*one) for one in needed]


def test_a_function_in_a_network_needs_its_interfaces_subnets_and_groups() -> None:
    needed = network_interface_permissions(["subnet-1"], ["sg-1"], CONTEXT)
    assert [(request.action, (request.resource or "").rpartition(":")[2]) for request in needed] == [
        ("ec2:CreateNetworkInterface", "network-interface/*"),
        ("ec2:CreateNetworkInterface", "subnet/subnet-1"),
        ("ec2:CreateNetworkInterface", "security-group/sg-1"),
        ("ec2:DescribeNetworkInterfaces", "*"),
        ("ec2:DeleteNetworkInterface", "network-interface/*"),
    ]
