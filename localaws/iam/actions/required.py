"""Which permissions an API call needs, derived from its own parameters.

A service without a module here needs the action of the operation's name on an open resource (``None``), for which any
Allow of the action is enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.iam.actions import cloudwatch, compute, ec2, iam, kms_acm, s3_ecr, secretsmanager, sns_sqs
from localaws.iam.evaluate import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localaws.http.call import ApiCall
    from localaws.iam.actions.context import RequestContext

# IAM's prefix where it is not botocore's name of the service.
PREFIXES = {"elbv2": "elasticloadbalancing", "resourcegroupstaggingapi": "tag", "s3control": "s3"}
# Needs no permission.
FREE_ACTIONS = frozenset({"sts:GetCallerIdentity"})
_DERIVATIONS: Mapping[str, Callable[[str, Mapping[str, Any], RequestContext], list[Request]]] = {
    "acm": kms_acm.acm,
    "application-autoscaling": compute.application_autoscaling,
    "budgets": cloudwatch.budgets,
    "cloudwatch": cloudwatch.cloudwatch,
    "ec2": ec2.ec2,
    "ecr": s3_ecr.ecr,
    "ecs": compute.ecs,
    "iam": iam.iam,
    "kms": kms_acm.kms,
    "lambda": compute.lambda_,
    "logs": cloudwatch.logs,
    "s3": s3_ecr.s3,
    "secretsmanager": secretsmanager.secretsmanager,
    "sns": sns_sqs.sns,
    "sqs": sns_sqs.sqs,
    "ssm": secretsmanager.ssm,
    "sts": iam.sts,
}


def required_permissions(call: ApiCall, ctx: RequestContext) -> list[Request]:
    """Return everything that the caller's policies must allow for a call; empty if it needs no permission."""
    prefix = PREFIXES.get(call.service, call.service)
    if f"{prefix}:{call.operation}" in FREE_ACTIONS:
        return []
    derive = _DERIVATIONS.get(call.service)
    if derive is None:
        needed = [Request(f"{prefix}:{call.operation}", None)]
    else:
        needed = derive(call.operation, call.parameters, ctx)
    return [*needed, *iam.passed_roles(call.service, call.parameters)]
