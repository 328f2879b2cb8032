"""The check of policies finds what the service authorization reference does not know."""

import pytest

from tests.support.policy_reference import findings_of_role

UNMATCHED = "p: S: kms:Decrypt matches none of the resources"
UNSCOPED = "p: S: ec2:DescribeVpcs matches none of the resources"
VPC = "arn:aws:ec2:us-east-1:123456789012:vpc/*"


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ({"Action": "ec2:CreateVpcs"}, ["p: S: there is no action ec2:CreateVpcs"]),
        ({"Action": ["ec2:DeleteVpc", "kms:Decrypt"], "Resource": VPC}, [UNMATCHED]),
        ({"Action": ["ec2:DeleteVpc", "ec2:DescribeVpcs"], "Resource": VPC}, [UNSCOPED]),
        ({"Action": "ec2:DeleteVpc", "Resource": [VPC, "arn:aws:s3:::b"]}, ["p: S: no action is for arn:aws:s3:::b"]),
        (
            {"Action": "rds-db:connect", "Condition": {"StringEquals": {"aws:ResourceTag/Environment": "dev"}}},
            ["p: S: rds-db:connect does not support aws:ResourceTag/Environment"],
        ),
        ({"Action": "ec2:DeleteVpc", "Resource": VPC, "Condition": {"StringEquals": {"aws:ResourceTag/E": "x"}}}, []),
        ({"Action": "ec2:DeleteVpc", "Condition": {"StringEquals": {"aws:RequestedRegion": "x"}}}, []),
        ({"Action": "rds:CreateDBParameterGroup"}, ["rds:CreateDBParameterGroup needs rds:AddTagsToResource"]),
        ({"Action": ["rds:CreateDBParameterGroup", "rds:AddTags*"]}, []),
    ],
)  # fmt: skip
def test_a_statement_is_checked(statement: dict[str, object], found: list[str]) -> None:
    whole = {"Sid": "S", "Effect": "Allow", "Resource": "*", **statement}
    answer = findings_of_role({"p": {"Statement": [whole]}})
    assert [one for one in answer if one in found or "needs" not in one] == found
