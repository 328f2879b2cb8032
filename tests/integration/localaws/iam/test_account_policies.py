"""The policies that ``terraform/account`` renders agree with AWS's reference and stay within AWS's limits."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from localaws.iam.evaluate import Request, decide, statements_of
from tests.support.account import DOMAIN_NAMES, LONGEST_ENVIRONMENT, PROJECT
from tests.support.local_aws import ACCOUNT_ID, REGION, LocalAws
from tests.support.policy_reference import findings_of_role, managed_policy, policies_of_role

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("account")]

DEPLOYMENTS = {f"deploy-{name}" for name in DOMAIN_NAMES}
DEV = {"administrator", "deploy-dev"}
READERS = ("drift", "plan", "release-plan")
BUCKET = f"s3:::{PROJECT}-terraform-state-{ACCOUNT_ID}"
PLACE = f"{REGION}:{ACCOUNT_ID}"
LONGEST_REGION = "ap-southeast-1"
# Characters, without white space. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MANAGED_LIMIT, INLINE_LIMIT, TRUST_LIMIT, ATTACHED_LIMIT = 6_144, 10_240, 2_048, 10
# Actions that an apply uses by way of a statement such as `rds:*`, and that have dependent actions.
USED = {
    "ecs:CreateService",
    "elasticloadbalancing:CreateLoadBalancer",
    "elasticloadbalancing:CreateTargetGroup",
    "lambda:CreateFunction",
    "rds:CreateDBInstance",
    "rds:CreateDBParameterGroup",
    "rds:CreateDBSubnetGroup",
    "rds:ModifyDBInstance",
    "rds:StopDBInstanceAutomatedBackupsReplication",
    "scheduler:CreateSchedule",
    "sns:CreateTopic",
    "wafv2:AssociateWebACL",
    "wafv2:PutLoggingConfiguration",
}


@pytest.fixture(scope="module")
def policies(aws: LocalAws, account: None) -> Mapping[str, dict[str, dict[str, Any]]]:
    """Return the policies of the account's roles by role and name, and those of ``boundaries``."""
    iam = aws.client("iam")
    names = [role["RoleName"] for role in iam.list_roles()["Roles"]]
    boundaries = [
        one for one in iam.list_policies(Scope="Local")["Policies"] if one["PolicyName"].endswith("-boundary")
    ]
    return {
        "boundaries": {one["PolicyName"]: managed_policy(iam, one["Arn"]) for one in boundaries},
        **{
            name: policies_of_role(iam, name)
            for name in names
            if re.fullmatch(rf"{PROJECT}-(build|deploy-.*|drift|plan|release-plan)", name)
        },
    }


def size(document: object) -> int:
    """Return a document's size in the region with the longest name."""
    return len(json.dumps(document, separators=(",", ":")).replace(REGION, LONGEST_REGION))


@pytest.mark.aws("IAM-2")
def test_each_policy_agrees_with_the_service_authorization_reference(
    policies: Mapping[str, dict[str, dict[str, Any]]],
) -> None:
    used = {name: USED if "-deploy-" in name else set() for name in policies}
    found = {name: findings_of_role(documents, used[name]) for name, documents in policies.items()}
    assert found == {name: [] for name in policies}


@pytest.mark.aws("IAM-1")
def test_policies_stay_within_their_size_limits_with_the_longest_names(
    aws: LocalAws, policies: Mapping[str, dict[str, dict[str, Any]]]
) -> None:
    iam = aws.client("iam")
    assert max(size(document) for document in policies["boundaries"].values()) <= MANAGED_LIMIT
    roles = [name for name in policies if name.startswith(PROJECT)]
    assert f"{PROJECT}-deploy-{LONGEST_ENVIRONMENT}" in roles
    for role in roles:
        inline = iam.list_role_policies(RoleName=role)["PolicyNames"]
        attached = policies[role].keys() - set(inline)
        assert sum(size(policies[role][name]) for name in inline) <= INLINE_LIMIT, role
        assert len(attached) <= ATTACHED_LIMIT, role
        assert max([size(policies[role][name]) for name in attached], default=0) <= MANAGED_LIMIT, role
        assert size(iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]) <= TRUST_LIMIT, role


@pytest.mark.aws("IAM-12")
@pytest.mark.parametrize(
    ("environment", "instance", "allowed"),
    [
        ("dev", "db-DEV", True),
        ("dev", "db-PROD", False),
        ("prod", "db-DEV", False),
        ("dev2", "db-DEV", False),
    ],
)
def test_a_workload_logs_in_by_token_only_to_the_database_of_its_environment(
    policies: Mapping[str, dict[str, dict[str, Any]]], environment: str, instance: str, allowed: bool
) -> None:
    boundary = statements_of(policies["boundaries"][f"{PROJECT}-{environment}-boundary"])
    user = f"arn:aws:rds-db:{REGION}:{ACCOUNT_ID}:dbuser:{instance}/beers_app"
    assert decide(boundary, Request("rds-db:connect", user)).allowed is allowed


@pytest.mark.parametrize(
    ("action", "resource", "roles"),
    [
        ("s3:PutObject", f"{BUCKET}/plans/dev/1.zip", {"release-plan"}),
        ("s3:GetObject", f"{BUCKET}/plans/dev/1.zip", {"deploy-dev"}),
        ("s3:GetObject", f"{BUCKET}/plans/prod/1.zip", {"deploy-prod"}),
        ("s3:PutObject", f"{BUCKET}/artifacts/1.zip", {"administrator", "build"}),
        ("s3:GetObject", f"{BUCKET}/artifacts/1.zip", {"administrator", "drift", "release-plan", *DEPLOYMENTS}),
        ("s3:GetObject", f"{BUCKET}/{PROJECT}/dev.tfstate", DEV.union(READERS)),
        ("s3:PutObject", f"{BUCKET}/{PROJECT}/dev.tfstate", DEV),
        ("ecr:InitiateLayerUpload", f"ecr:{PLACE}:repository/{PROJECT}", {"administrator", "build"}),
        ("ecr:PutImage", f"ecr:{PLACE}:repository/{PROJECT}", {"administrator", "build", *DEPLOYMENTS}),
        ("lambda:UpdateFunctionCode", f"lambda:{PLACE}:function:{PROJECT}-dev-access", DEV),
        ("lambda:UpdateFunctionCode", f"lambda:{PLACE}:function:{PROJECT}-dev-access-plan", DEV | {"release-plan"}),
        ("secretsmanager:GetSecretValue", f"secretsmanager:{PLACE}:secret:{PROJECT}-dev/login/x-1", {"administrator"}),
        ("kms:DescribeKey", f"kms:{PLACE}:key/of-aws", {"administrator", *DEPLOYMENTS, *READERS}),
        ("rds:DeleteDBInstance", f"rds:{PLACE}:db:{PROJECT}-dev", DEV),
        *(
            ("rds:RestoreDBInstanceFromDBSnapshot", f"rds:{PLACE}:snapshot:{kind}{PROJECT}-dev-1", DEV)
            for kind in ("", "rds:", "preupgrade-")  # by hand or final, automated, before an upgrade
        ),
        ("ecs:DescribeServiceDeployments", f"ecs:{PLACE}:service-deployment/{PROJECT}-dev/x/1", DEV.union(READERS)),
        ("rds:DeleteDBInstanceAutomatedBackup", f"rds:eu-west-1:{ACCOUNT_ID}:auto-backup:a", {"administrator"}),
        ("iam:CreateUser", f"iam::{ACCOUNT_ID}:user/eve", {"administrator"}),
        *(
            ("iam:PutRolePolicy", f"iam::{ACCOUNT_ID}:role/{PROJECT}-{role}", {"administrator"})
            for role in ("build", "deploy-dev", "drift", "plan", "release-plan")
        ),
        # Without a boundary. Every rehearsal shows that a deployment creates roles within it.
        ("iam:CreateRole", f"iam::{ACCOUNT_ID}:role/{PROJECT}-dev-eve", {"administrator"}),
    ],
)
def test_only_these_roles_can(
    aws: LocalAws, policies: Mapping[str, dict[str, dict[str, Any]]], action: str, resource: str, roles: set[str]
) -> None:
    """By their own policies, the boundary and the bucket's policy; an administrator's allow everything."""
    boundary = statements_of(policies["boundaries"][f"{PROJECT}-pipeline-boundary"])
    of_bucket = json.loads(aws.client("s3").get_bucket_policy(Bucket=BUCKET.removeprefix("s3:::"))["Policy"])
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    every = {**policies, f"{PROJECT}-administrator": {"all": {"Statement": everything}}}
    allowed = set()
    for role in every.keys() - {"boundaries"}:
        name = role.removeprefix(f"{PROJECT}-")
        context = {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT_ID}:role/{role}", "aws:SecureTransport": "true"}
        request = Request(action, f"arn:aws:{resource}", context | {"aws:RequestedRegion": REGION})
        own = [one for document in every[role].values() for one in statements_of(document)]
        is_within = name == "administrator" or decide(boundary, request).allowed
        if is_within and decide([*own, *statements_of(of_bucket)], request).allowed:
            allowed.add(name)
    assert allowed == roles
