"""Derive the permissions that an API call needs from its parameters.

A service without a module here needs the action of the operation's name on an open resource (``None``), for which any
Allow of the action is enough.
"""

from collections.abc import Callable, Mapping
from typing import Any

from localaws.http.call import ApiCall
from localaws.iam.actions import cloudwatch, compute, ec2, ecs, iam, kms_acm, route53, s3, secretsmanager
from localaws.iam.actions.context import RequestContext
from localaws.iam.actions.dependent import dependent_permissions
from localaws.iam.actions.named import named
from localaws.iam.evaluate import Request

# IAM's prefix where it is not botocore's name of the service.
PREFIXES = {"elbv2": "elasticloadbalancing", "resourcegroupstaggingapi": "tag", "s3control": "s3"}
_NAMED = frozenset({"ecr", "elasticloadbalancing", "events", "rds", "scheduler", "sns", "wafv2"})
# Needs no permission.
FREE_ACTIONS = frozenset({"sts:GetCallerIdentity"})
_DERIVATIONS: Mapping[str, Callable[[str, Mapping[str, Any], RequestContext], list[Request]]] = {
    "acm": kms_acm.acm,
    "application-autoscaling": compute.application_autoscaling,
    "budgets": cloudwatch.budgets,
    "cloudwatch": cloudwatch.cloudwatch,
    "ec2": ec2.ec2,
    "ecs": ecs.ecs,
    "iam": iam.iam,
    "kms": kms_acm.kms,
    "lambda": compute.lambda_,
    "logs": cloudwatch.logs,
    "route53": route53.route53,
    "s3": s3.s3,
    "secretsmanager": secretsmanager.secretsmanager,
    "ssm": ecs.ssm,
    "sts": iam.sts,
}


def required_permissions(call: ApiCall, ctx: RequestContext) -> list[Request]:
    """Return everything that the caller's policies must allow for a call; empty if it needs no permission."""
    prefix = PREFIXES.get(call.service, call.service)
    if f"{prefix}:{call.operation}" in FREE_ACTIONS:
        return []
    derive = _DERIVATIONS.get(call.service)
    if derive is not None:
        needed = derive(call.operation, call.parameters, ctx)
    elif prefix in _NAMED:
        needed = named(prefix, call.operation, call.parameters, ctx)
    else:
        needed = [Request(f"{prefix}:{call.operation}", None)]
    dependent = dependent_permissions(call.service, call.operation, call.parameters, ctx)
    return [*needed, *dependent, *iam.passed_roles(call.service, call.parameters)]
