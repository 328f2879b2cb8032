"""CloudWatch alarms and dashboards, CloudWatch Logs, and budgets.

Different from AWS: a call that names several alarms or dashboards needs a permission for each, where AWS checks ``*``.
"""

from collections.abc import Mapping
from typing import Any

from localaws.iam.actions.context import RequestContext
from localaws.iam.evaluate import Request

# CloudWatch Logs checks these on the level of streams, even where the call names no stream.
_STREAM_OPERATIONS = frozenset(
    {"CreateLogGroup", "CreateLogStream", "DescribeLogStreams", "GetLogEvents", "PutLogEvents"}
)
_BUDGET_ACTIONS = {
    "Create": "ModifyBudget",
    "Update": "ModifyBudget",
    "Delete": "ModifyBudget",
    "Describe": "ViewBudget",
}


def cloudwatch(operation: str, parameters: Mapping[str, Any], ctx: RequestContext) -> list[Request]:
    """Return a request for each alarm or dashboard in the call, and for metric data by its namespace."""
    action = f"cloudwatch:{operation}"
    if operation == "PutMetricData":
        return [Request(action, "*", {"cloudwatch:namespace": parameters.get("Namespace") or ""})]
    if operation == "PutCompositeAlarm":  # refused by AWS if the permission is for less than all alarms
        every = ctx.arn("cloudwatch", "alarm:*")
        return [Request(action, every), Request("cloudwatch:DescribeAlarms", every)]
    if operation == "DescribeAlarms":
        return [Request(action, None)]
    alarms = [*(parameters.get("AlarmNames") or []), *filter(None, [parameters.get("AlarmName")])]
    dashboards = [*(parameters.get("DashboardNames") or []), *filter(None, [parameters.get("DashboardName")])]
    arns = [
        *(ctx.arn("cloudwatch", f"alarm:{name}") for name in alarms),
        # Dashboards have no region.
        *(f"arn:aws:cloudwatch::{ctx.account_id}:dashboard/{name}" for name in dashboards),
        *filter(None, [parameters.get("ResourceARN")]),
    ]
    return [Request(action, arn) for arn in arns] or [Request(action, None)]


def logs(operation: str, parameters: Mapping[str, Any], ctx: RequestContext) -> list[Request]:
    """Return a request for the log group, or for its stream."""
    group = parameters.get("logGroupName")
    if not group:
        return [Request(f"logs:{operation}", None)]
    suffix = (
        f":log-stream:{parameters.get('logStreamName', '') if operation.endswith('Events') else ''}"
        if operation in _STREAM_OPERATIONS
        else ""
    )
    return [Request(f"logs:{operation}", ctx.arn("logs", f"log-group:{group}{suffix}"))]


def budgets(operation: str, parameters: Mapping[str, Any], ctx: RequestContext) -> list[Request]:
    """Return a request for the budget, with one of the two actions that IAM has for all operations."""
    verb = next((verb for verb in _BUDGET_ACTIONS if operation.startswith(verb)), "")
    name = parameters.get("BudgetName") or (parameters.get("Budget") or {}).get("BudgetName")
    arn = parameters.get("ResourceARN") or (f"arn:aws:budgets::{ctx.account_id}:budget/{name}" if name else None)
    return [Request(f"budgets:{_BUDGET_ACTIONS.get(verb, operation)}", arn)]
