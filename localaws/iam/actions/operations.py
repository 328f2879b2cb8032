"""Which permissions the calls need that watch over an environment and scale it: alarms, topics, budgets, autoscaling.

What has a name in the call is judged by its ARN. Application Auto Scaling acts on somebody else's service, so AWS asks
the caller for the permissions on that service and on the alarms too, before it takes anything.
https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html

Different from AWS: a call that names several alarms or dashboards is judged for each, wherever AWS takes ``*``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.iam.evaluate import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.iam.actions.required import Surroundings

_BUDGET_ACTIONS = {
    "Create": "ModifyBudget",
    "Update": "ModifyBudget",
    "Delete": "ModifyBudget",
    "Describe": "ViewBudget",
}


def cloudwatch(operation: str, parameters: Mapping[str, Any], around: Surroundings) -> list[Request]:
    """Each alarm or dashboard that a call names; metric data by its namespace; anything else without its resource."""
    action = f"cloudwatch:{operation}"
    if operation == "PutMetricData":
        return [Request(action, "*", {"cloudwatch:namespace": parameters.get("Namespace") or ""})]
    if operation == "DescribeAlarms":
        return [Request(action, None)]
    alarms = [*(parameters.get("AlarmNames") or []), *filter(None, [parameters.get("AlarmName")])]
    dashboards = [*(parameters.get("DashboardNames") or []), *filter(None, [parameters.get("DashboardName")])]
    arns = [
        *(around.arn("cloudwatch", f"alarm:{name}") for name in alarms),
        # Dashboards are the same in every region.
        *(f"arn:aws:cloudwatch::{around.account_id}:dashboard/{name}" for name in dashboards),
        *filter(None, [parameters.get("ResourceARN")]),
    ]
    return [Request(action, arn) for arn in arns] or [Request(action, None)]


def sns(operation: str, parameters: Mapping[str, Any], around: Surroundings) -> list[Request]:
    """The topic; of a subscription the topic that it is to."""
    action = f"sns:{operation}"
    named = parameters.get("TopicArn") or parameters.get("TargetArn") or parameters.get("ResourceArn")
    if named:
        return [Request(action, named)]
    if parameters.get("SubscriptionArn"):
        return [Request(action, parameters["SubscriptionArn"].rpartition(":")[0])]
    return [Request(action, around.arn("sns", parameters["Name"]) if parameters.get("Name") else None)]


def budgets(operation: str, parameters: Mapping[str, Any], around: Surroundings) -> list[Request]:
    """The budget, by the two actions that IAM knows for all that is done with one."""
    verb = next((verb for verb in _BUDGET_ACTIONS if operation.startswith(verb)), "")
    name = parameters.get("BudgetName") or (parameters.get("Budget") or {}).get("BudgetName")
    arn = parameters.get("ResourceARN") or (f"arn:aws:budgets::{around.account_id}:budget/{name}" if name else None)
    return [Request(f"budgets:{_BUDGET_ACTIONS.get(verb, operation)}", arn)]


def application_autoscaling(operation: str, parameters: Mapping[str, Any], around: Surroundings) -> list[Request]:
    """Some target, the service that it scales and, for a policy, the alarms that it makes."""
    action = f"application-autoscaling:{operation}"
    scaled = parameters.get("ResourceId")
    if operation.startswith("Describe") or not scaled:
        return [Request(action, parameters.get("ResourceARN"))]
    requests = [
        Request(action, around.arn("application-autoscaling", "scalable-target/*")),
        Request("ecs:UpdateService", around.arn("ecs", scaled)),
    ]
    if operation.endswith("ScalingPolicy"):
        verb = "DeleteAlarms" if operation.startswith("Delete") else "PutMetricAlarm"
        requests.append(Request(f"cloudwatch:{verb}", around.arn("cloudwatch", f"alarm:TargetTracking-{scaled}-*")))
    return requests
