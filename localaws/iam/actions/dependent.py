"""Permissions that AWS needs for calls that it makes with the caller's credentials.

A journal of calls never shows them, but AWS refuses the call that needs them. The service authorization reference lists
most of them as dependent actions.
"""

from collections.abc import Mapping
from typing import Any

from localaws.iam.actions.context import RequestContext, request_tags
from localaws.iam.evaluate import Request

_NETWORK = [Request(f"ec2:Describe{kind}", "*") for kind in ("SecurityGroups", "Subnets", "Vpcs")]
# The services whose linked role the first of these calls in an account creates.
_FIRST_USES = {
    ("application-autoscaling", "RegisterScalableTarget"): "ecs.application-autoscaling.amazonaws.com",
    ("ecs", "CreateCluster"): "ecs.amazonaws.com",
    ("elbv2", "CreateLoadBalancer"): "elasticloadbalancing.amazonaws.com",
    ("rds", "CreateDBSubnetGroup"): "rds.amazonaws.com",
    ("wafv2", "PutLoggingConfiguration"): "wafv2.amazonaws.com",
}


def dependent_permissions(
    service: str, operation: str, parameters: Mapping[str, Any], ctx: RequestContext
) -> list[Request]:
    """Return the further permissions that a call needs; empty for most calls."""
    needed: list[Request] = []
    linked = _FIRST_USES.get((service, operation))
    if linked and not ctx.has_linked_role(linked):
        role = f"arn:aws:iam::{ctx.account_id}:role/aws-service-role/{linked}/*"
        needed = [Request("iam:CreateServiceLinkedRole", role, {"iam:AWSServiceName": linked})]
    return [*needed, *_calls_for_the_caller(service, operation, parameters, ctx)]


def _calls_for_the_caller(
    service: str, operation: str, parameters: Mapping[str, Any], ctx: RequestContext
) -> list[Request]:
    needed: list[Request] = []
    match service, operation:
        case "elbv2", "CreateLoadBalancer" | "SetSecurityGroups":
            # The reference has no entry for it, and reports name no resource.
            # https://github.com/kubernetes-sigs/aws-load-balancer-controller/issues/3917
            needed = [Request("ec2:GetSecurityGroupsForVpc", "*")]
        case "lambda", "CreateFunction" | "UpdateFunctionConfiguration" if _has_network(parameters):
            needed = _NETWORK
        case "rds", "CreateDBInstance" | "ModifyDBInstance" if parameters.get("ManageMasterUserPassword"):
            needed = _master_secret(parameters, ctx)
        case "rds", "StartDBInstanceAutomatedBackupsReplication":
            copies = Request(f"rds:{operation}", ctx.arn("rds", "auto-backup:*"))
            needed = [copies, *_uses_of_keys(parameters, ("CreateGrant", "DescribeKey"), ctx)]
        case "ec2", "CreateVpcEndpoint":
            zone = Request("route53:AssociateVPCWithHostedZone", "*")
            needed = [*_NETWORK, *([zone] if parameters.get("PrivateDnsEnabled") else [])]
        case "kms", "CreateKey" if parameters.get("Tags"):
            needed = [Request("kms:TagResource", ctx.arn("kms", "key/*"), request_tags(parameters))]
        case "acm", "RequestCertificate" if parameters.get("Tags"):
            needed = [Request("acm:AddTagsToCertificate", ctx.arn("acm", "certificate/*"), request_tags(parameters))]
    return needed


def _has_network(parameters: Mapping[str, Any]) -> bool:
    return bool((parameters.get("VpcConfig") or {}).get("SubnetIds"))


def _master_secret(parameters: Mapping[str, Any], ctx: RequestContext) -> list[Request]:
    """Return RDS's use of Secrets Manager and of the keys.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html#rds-secrets-manager-permissions
    """
    secret = ctx.arn("secretsmanager", "secret:rds!db-*")
    instance = ctx.arn("rds", f"db:{parameters.get('DBInstanceIdentifier')}")
    tags = {"aws:RequestTag/aws:rds:primaryDBInstanceArn": instance}
    return [
        Request("secretsmanager:CreateSecret", secret, tags),
        Request("secretsmanager:TagResource", secret, tags),
        # AWS's own key for secrets, also where another is given.
        Request("kms:DescribeKey", ctx.arn("kms", "key/aws-secretsmanager")),
        *_uses_of_keys(parameters, ("CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey"), ctx),
    ]


def _uses_of_keys(parameters: Mapping[str, Any], actions: tuple[str, ...], ctx: RequestContext) -> list[Request]:
    keys = {ctx.find_key_arn(key) for name in ("KmsKeyId", "MasterUserSecretKmsKeyId") if (key := parameters.get(name))}
    return [Request(f"kms:{action}", key, ctx.resource_tags(key)) for key in sorted(keys) for action in actions]
