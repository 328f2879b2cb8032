"""A role's calls are authorized by its policies, and denied in each service's wire format."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.iam.models import iam_backends

from localaws.iam.authorizer import Authorizer
from localaws.iam.evaluate import Request
from tests.support.local_aws import ACCOUNT_ID, REGION, LocalAws, allow, policy, unique
from tests.support.moto_server import moto_server


def role_name() -> str:
    return unique("role")


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "status", "code", "action"),
    [
        ("secretsmanager", "list_secrets", {}, 400, "AccessDeniedException", "secretsmanager:ListSecrets"),
        ("ecs", "list_clusters", {}, 400, "AccessDeniedException", "ecs:ListClusters"),
        ("lambda", "list_functions", {}, 403, "AccessDeniedException", "lambda:ListFunctions"),
        ("s3", "list_buckets", {}, 403, "AccessDenied", "s3:ListAllMyBuckets"),
        ("ec2", "describe_vpcs", {}, 403, "UnauthorizedOperation", "ec2:DescribeVpcs"),
        ("iam", "list_roles", {}, 403, "AccessDenied", "iam:ListRoles"),
        ("elbv2", "describe_load_balancers", {}, 403, "AccessDenied", "elasticloadbalancing:DescribeLoadBalancers"),
    ],
)
def test_what_no_policy_allows_is_refused(  # noqa: PLR0917 - a row of the table
    aws: LocalAws, service: str, operation: str, arguments: dict[str, Any], status: int, code: str, action: str
) -> None:
    name = role_name()
    with pytest.raises(ClientError) as caught:
        getattr(aws.client(service, **aws.assume(aws.make_role(name))), operation)(**arguments)
    answer = caught.value.response
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (status, code)
    assert f"User: arn:aws:sts::{ACCOUNT_ID}:assumed-role/{name}/rehearsal" in answer["Error"]["Message"]
    assert f"is not authorized to perform: {action}" in answer["Error"]["Message"]


@pytest.mark.aws("KMS-2")
@pytest.mark.parametrize(("principal", "is_allowed"), [("root", True), ("role/admin", False)])
def test_iam_policies_allow_the_use_of_a_key_only_if_its_policy_names_the_account(
    aws: LocalAws, principal: str, *, is_allowed: bool
) -> None:
    users = allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT_ID}:{principal}"})
    key = aws.client("kms").create_key(Policy=json.dumps(policy(users)))["KeyMetadata"]["Arn"]
    secret = aws.client("secretsmanager").create_secret(Name=role_name(), KmsKeyId=key, SecretString="s")["ARN"]
    role = aws.make_role(role_name(), allow("secretsmanager:GetSecretValue", secret), allow("kms:Decrypt", key))
    client = aws.client("secretsmanager", **aws.assume(role))
    if is_allowed:
        assert client.get_secret_value(SecretId=secret)["SecretString"] == "s"
    else:
        with pytest.raises(ClientError, match="no resource-based policy allows the kms:Decrypt action"):
            client.get_secret_value(SecretId=secret)


def test_a_repeated_change_gets_the_same_answer_though_it_is_no_longer_possible(aws: LocalAws) -> None:
    """As when its answer was lost: what allowed the first, a tag of what it removed, is gone."""
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_tags(Resources=[table], Tags=[{"Key": "Environment", "Value": "dev"}])
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
    own = {"StringEquals": {"aws:ResourceTag/Environment": "dev"}}
    role = aws.make_role(role_name(), allow("ec2:DisassociateRouteTable", Condition=own))
    caller, other = (aws.client("ec2", **aws.assume(role)) for _ in range(2))
    for client in (caller, other):
        client.meta.events.register("before-send.ec2", one_invocation)
    for _ in range(2):
        caller.disassociate_route_table(AssociationId=association)
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        other.disassociate_route_table(AssociationId=association)


def one_invocation(request: Any, **_: object) -> None:
    """Call every request an attempt at the same call."""
    request.headers["amz-sdk-invocation-id"] = "all attempts"


def test_a_key_of_ones_own_must_be_allowed_too(aws: LocalAws) -> None:
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    secret = aws.client("secretsmanager").create_secret(Name=role_name(), SecretString="x", KmsKeyId=key)["ARN"]
    name = role_name()
    limited = aws.client(
        "secretsmanager", **aws.assume(aws.make_role(name, allow("secretsmanager:GetSecretValue", secret)))
    )
    with pytest.raises(ClientError, match="kms:Decrypt"):
        limited.get_secret_value(SecretId=secret)
    decrypt = allow(
        "kms:Decrypt", key, Condition={"StringEquals": {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}}
    )
    aws.client("iam").put_role_policy(RoleName=name, PolicyName="key", PolicyDocument=json.dumps(policy(decrypt)))
    assert limited.get_secret_value(SecretId=secret)["SecretString"] == "x"


@pytest.mark.aws("IAM-30")
def test_a_boundary_limits_what_policies_allow(aws: LocalAws) -> None:
    iam = aws.client("iam")
    boundary = iam.create_policy(PolicyName=role_name(), PolicyDocument=json.dumps(policy(allow("s3:*"))))
    name = role_name()
    limited = aws.assume(aws.make_role(name, allow("*")))
    iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary["Policy"]["Arn"])
    assert "Buckets" in aws.client("s3", **limited).list_buckets()
    with pytest.raises(ClientError, match="no permissions boundary allows"):
        aws.client("ec2", **limited).describe_vpcs()


class Growing(dict[str, Any]):
    """Moto's roles; another call adds one while they are first read."""

    def values(self) -> Any:
        for index, role in enumerate(super().values()):
            yield role
            if not index and len(self) == 2:
                self["added"] = role


def test_a_call_is_authorized_while_a_call_of_another_service_creates_a_role(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with moto_server(tmp_path) as server:
        iam, trust = server.client("iam"), json.dumps(policy())
        arns = [
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"] for name in ("one", "two")
        ]
        backend = iam_backends[ACCOUNT_ID]["aws"]
        monkeypatch.setattr(backend, "roles", Growing(backend.roles))
        authorizer = Authorizer(server.context.settings, server.context.journal)
        assert not authorizer.allows(arns[1], Request("ecs:ListClusters", "*")).allowed
        assert "added" in backend.roles
