"""SNS topics."""

from collections.abc import Mapping
from typing import Any

from localaws.iam.actions.context import RequestContext
from localaws.iam.evaluate import Request


def sns(operation: str, parameters: Mapping[str, Any], ctx: RequestContext) -> list[Request]:
    """Return a request for the topic; for a subscription, for the topic that it is to."""
    action = f"sns:{operation}"
    arn = parameters.get("TopicArn") or parameters.get("TargetArn") or parameters.get("ResourceArn")
    if arn:
        return [Request(action, arn)]
    if parameters.get("SubscriptionArn"):
        return [Request(action, parameters["SubscriptionArn"].rpartition(":")[0])]
    return [Request(action, ctx.arn("sns", parameters["Name"]) if parameters.get("Name") else None)]
