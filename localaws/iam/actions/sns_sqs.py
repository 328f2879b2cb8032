"""SNS topics and SQS queues."""

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


def sqs(operation: str, parameters: Mapping[str, Any], ctx: RequestContext) -> list[Request]:
    """Return a request for the queue; a batch needs the same permission as a single message."""
    url = parameters.get("QueueUrl") or ""
    name = url.rpartition("/")[2] or parameters.get("QueueName")
    return [Request(f"sqs:{operation.removesuffix('Batch')}", ctx.arn("sqs", name) if name else "*")]
