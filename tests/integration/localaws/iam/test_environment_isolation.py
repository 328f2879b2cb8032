"""No deployment reaches another environment of the same account: not by a tag, and not through a role that it creates.

Each attack of ``isolation.yaml`` retags first and acts second, with the policies that ``terraform/account`` renders.
"""

import functools
import json
import operator
from collections.abc import Callable, Mapping
from pathlib import Path
from string import Template
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from tests.support.account import DOMAIN_NAMES, PROJECT
from tests.support.local_aws import ACCOUNT_ID, LocalAws, allow, policy

pytestmark = [pytest.mark.timeout(300), pytest.mark.aws("IAM-3")]

TABLE = yaml.safe_load(Path(__file__).with_name("isolation.yaml").read_text())
# The second name of a pair begins with the first.
PAIRS = [("dev", "prod"), ("prod", "dev"), ("dev", "dev2"), ("dev2", "dev")]
REFUSALS = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
UNTAGGED = {"attach_internet_gateway", "associate_route_table", "create_network_interface"}
KINDS = {"gateway": "internet-gateway", "group": "security-group", "table": "route-table", "acl": "network-acl"}
KINDS |= {"address": "elastic-ip", "endpoint": "vpc-endpoint"}
ANYWHERE = [{"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
Values = dict[str, Any]


def tags(name: str) -> list[dict[str, str]]:
    return [{"Key": "Environment", "Value": name}]


def trust(**principal: str) -> str:
    return json.dumps(policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}))


def filled(template: Any, values: Values) -> Any:
    """Replace ``$name`` in nested parameters: a whole text by the value, a part of a text by its text."""
    if isinstance(template, dict):
        return {name: filled(member, values) for name, member in template.items()}
    if isinstance(template, list):
        return [filled(member, values) for member in template]
    if not isinstance(template, str):
        return template
    whole = template.startswith("$") and template[1:] in values
    return values[template[1:]] if whole else Template(template).safe_substitute(values)


@pytest.fixture(scope="module")
def environments(aws: LocalAws, account: None) -> Mapping[str, Values]:
    """Return each environment's resources by their names in the table."""
    zone = aws.client("route53").create_hosted_zone(Name="example.com", CallerReference="x")["HostedZone"]["Id"]
    return {name: resources(aws, name, zone) for name in ("dev", "dev2", "prod")}


def resources(aws: LocalAws, name: str, zone: str) -> Values:
    values: Values = {"name": name, "own": f"{PROJECT}-{name}", "project": PROJECT, "zone": zone, "tags": tags(name)}
    values["domain"] = DOMAIN_NAMES[name][0]
    for resource, (call, template, answer) in TABLE["resources"].items():
        service, operation = call.split()
        parameters = filled(template, values)
        if service == "ec2" and operation not in UNTAGGED:
            kind = KINDS.get(resource, resource)
            parameters["TagSpecifications"] = [{"ResourceType": kind, "Tags": tags(name)}]
        found = getattr(aws.client(service), operation)(**parameters)
        values[resource] = functools.reduce(operator.getitem, answer.split("."), found)
    return values


@pytest.fixture
def deployment(aws: LocalAws, account: None, attacker: str) -> Callable[[str], Any]:
    """Return clients with the deployment role of the environment that attacks."""
    credentials = aws.assume(f"arn:aws:iam::{ACCOUNT_ID}:role/{PROJECT}-deploy-{attacker}")
    return lambda service: aws.client(service, **credentials)


@pytest.fixture
def workload(aws: LocalAws, deployment: Callable[[str], Any], attacker: str) -> Callable[[str], Any]:
    """Return clients with a role that a deployment created, with as much as its boundary lets it have."""
    iam, name = deployment("iam"), f"{PROJECT}-{attacker}-thief"
    if name not in {role["RoleName"] for role in aws.client("iam").list_roles()["Roles"]}:
        boundary = f"arn:aws:iam::{ACCOUNT_ID}:policy/{PROJECT}-{attacker}-boundary"
        document = trust(Service="lambda.amazonaws.com")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, PermissionsBoundary=boundary)
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(policy(allow("*"))))
    credentials = aws.assume(f"arn:aws:iam::{ACCOUNT_ID}:role/{name}")
    return lambda service: aws.client(service, **credentials)


def answers(client: Callable[[str], Any], rows: list[Values], target: Values, attacker: str) -> dict[str, str]:
    """Make each call, whether or not the one before was refused; return its error code, or ``done``, by its row."""
    values = target | {
        "attacker": attacker,
        "attacking": f"{PROJECT}-{attacker}",
        "retag": tags(attacker),
        "anywhere": ANYWHERE,
        "everything": json.dumps(policy(allow("*"))),
        "trust": trust(AWS="arn:aws:iam::999999999999:root"),
    }
    found = {}
    for row in rows:
        ((call, template),) = row.items()
        service, operation = call.split()
        parameters = filled(template, values)
        if service == "route53":
            record = {"Name": parameters, "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": "evil.example"}]}
            change = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
            parameters = {"HostedZoneId": target["zone"], "ChangeBatch": change}
        if kind := parameters.get("TagSpecifications"):
            parameters["TagSpecifications"] = [{"ResourceType": kind, "Tags": tags(attacker)}]
        try:
            getattr(client(service), operation)(**parameters)
            found[str(row)] = "done"
        except ClientError as error:
            found[str(row)] = error.response["Error"]["Code"]
    return found


def retagging() -> list[Values]:
    return [
        {f"ec2 {operation}": {"Resources": [f"${resource}"], "Tags": changed}}
        for resource in TABLE["retagged"]
        for operation, changed in (("create_tags", "$retag"), ("delete_tags", [{"Key": "Environment"}]))
    ]


@pytest.mark.parametrize(("attacker", "target"), PAIRS)
def test_a_deployment_cannot_retag_open_read_or_delete_what_belongs_to_another_environment(
    environments: Mapping[str, Values], deployment: Callable[[str], Any], attacker: str, target: str
) -> None:
    found = answers(deployment, retagging() + TABLE["deployment"], environments[target], attacker)
    assert {row: answer for row, answer in found.items() if answer not in REFUSALS} == {}


@pytest.mark.parametrize(("attacker", "target"), PAIRS)
def test_permissions_boundary_a_role_that_a_deployment_creates_reaches_no_other_environment(
    environments: Mapping[str, Values], workload: Callable[[str], Any], attacker: str, target: str
) -> None:
    found = answers(workload, TABLE["workload"], environments[target], attacker)
    assert {row: answer for row, answer in found.items() if answer not in REFUSALS} == {}


@pytest.mark.parametrize("attacker", ["dev", "prod"])
def test_a_deployment_and_its_workload_are_allowed_the_same_in_their_own_environment(
    environments: Mapping[str, Values],
    deployment: Callable[[str], Any],
    workload: Callable[[str], Any],
    attacker: str,
) -> None:
    own = environments[attacker]
    found = answers(deployment, TABLE["allowed_deployment"], own, attacker)
    found |= answers(workload, TABLE["allowed_workload"], own, attacker)
    assert {row: answer for row, answer in found.items() if answer != "done"} == {}
