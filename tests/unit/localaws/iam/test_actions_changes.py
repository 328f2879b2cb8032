"""What a deployment's calls need, with the tags and boundaries by which its policies know its own things."""

from __future__ import annotations

from typing import Any

import pytest

from localaws.http.call import ApiCall
from localaws.iam.actions.required import Surroundings, required_permissions
from localaws.iam.evaluate import Request

VPC, ROUTES = "vpc-0123456789abcdef0", "rtb-0123456789abcdef0"
ROLE = "arn:aws:iam::123456789012:role/app-dev-task"
BOUNDARY = "arn:aws:iam::123456789012:policy/app-dev-boundary"
KEY = "arn:aws:kms:us-east-1:123456789012:key/k"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/c"
DEV = {"Environment": "dev"}
AROUND = Surroundings(
    "123456789012",
    "us-east-1",
    find_secret=lambda _name: None,
    find_key_arn=lambda name: KEY if name == "k" else name,
    find_tags=lambda name: DEV if name in {VPC, KEY, CERTIFICATE} else {},
    find_boundary=lambda name: BOUNDARY if name == "app-dev-task" else None,
)
OWN = {"aws:ResourceTag/Environment": "dev"}
ASKED = {"aws:RequestTag/Environment": "dev"}
TAGS = [{"Key": "Environment", "Value": "dev"}]


def call(service: str, operation: str, **parameters: Any) -> ApiCall:
    return ApiCall(service, operation, parameters, "", "json", None, {}, b"")


def ec2_arn(rest: str) -> str:
    return f"arn:aws:ec2:us-east-1:123456789012:{rest}"


@pytest.mark.parametrize(
    ("made", "needed"),
    [
        pytest.param(
            call("ec2", "DeleteVpc", VpcId=VPC),
            [Request("ec2:DeleteVpc", ec2_arn(f"vpc/{VPC}"), OWN)],
            id="a resource with its tags",
        ),
        pytest.param(
            call("ec2", "CreateRoute", RouteTableId=ROUTES, DestinationCidrBlock="0.0.0.0/0"),
            [Request("ec2:CreateRoute", ec2_arn(f"route-table/{ROUTES}"))],
            id="a resource without tags",
        ),
        pytest.param(
            call("ec2", "CreateVpc", TagSpecifications=[{"ResourceType": "vpc", "Tags": TAGS}]),
            [Request("ec2:CreateVpc", None, ASKED)],
            id="a creation with the tags that it gives",
        ),
        pytest.param(
            call("ec2", "DescribeVpcs", Filters=[{"Name": "vpc-id", "Values": [VPC]}]),
            [Request("ec2:DescribeVpcs", None)],
            id="a description",
        ),
        pytest.param(
            call("iam", "CreateRole", RoleName="app-dev-new", PermissionsBoundary=BOUNDARY),
            [
                Request(
                    "iam:CreateRole",
                    "arn:aws:iam::123456789012:role/app-dev-new",
                    {"iam:PermissionsBoundary": BOUNDARY},
                )
            ],
            id="a new role with its boundary",
        ),
        pytest.param(
            call("iam", "PutRolePolicy", RoleName="app-dev-task", PolicyName="more"),
            [Request("iam:PutRolePolicy", ROLE, {"iam:PermissionsBoundary": BOUNDARY})],
            id="a role that has a boundary",
        ),
        pytest.param(
            call("iam", "PutRolePolicy", RoleName="somebody", PolicyName="more"),
            [Request("iam:PutRolePolicy", "arn:aws:iam::123456789012:role/somebody")],
            id="a role that has none",
        ),
        pytest.param(
            call("lambda", "CreateFunction", FunctionName="f", Role=ROLE),
            [
                Request("lambda:CreateFunction", "arn:aws:lambda:us-east-1:123456789012:function:f"),
                Request("iam:PassRole", ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}),
            ],
            id="a role that is handed to a function",
        ),
        pytest.param(
            call("kms", "ScheduleKeyDeletion", KeyId="k"), [Request("kms:ScheduleKeyDeletion", KEY, OWN)], id="a key"
        ),
        pytest.param(
            call("kms", "CreateKey", Tags=[{"TagKey": "Environment", "TagValue": "dev"}]),
            [Request("kms:CreateKey", None, ASKED)],
            id="a new key",
        ),
        pytest.param(
            call("kms", "CreateAlias", AliasName="alias/app-dev", TargetKeyId="k"),
            [
                Request("kms:CreateAlias", KEY, OWN),
                Request("kms:CreateAlias", "arn:aws:kms:us-east-1:123456789012:alias/app-dev"),
            ],
            id="a key's name",
        ),
        pytest.param(
            call("acm", "DeleteCertificate", CertificateArn=CERTIFICATE),
            [Request("acm:DeleteCertificate", CERTIFICATE, OWN)],
            id="a certificate",
        ),
    ],
)
def test_a_call_needs(made: ApiCall, needed: list[Request]) -> None:
    assert required_permissions(made, AROUND) == needed
