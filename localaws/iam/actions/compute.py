"""Lambda and Application Auto Scaling.

Application Auto Scaling changes the service of another API, so AWS also requires the caller's permissions on that
service and on the alarms, before it accepts anything.
https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html
"""

from collections.abc import Mapping
from typing import Any

from localaws.iam.actions.context import RequestContext
from localaws.iam.evaluate import Request


def lambda_(operation: str, parameters: Mapping[str, Any], ctx: RequestContext) -> list[Request]:
    """Return a request for the function, with its qualifier if the call has one."""
    action = "lambda:" + {"Invoke": "InvokeFunction", "InvokeAsync": "InvokeFunction"}.get(operation, operation)
    function = parameters.get("FunctionName")
    if function is None:
        return [Request(action, None)]
    arn = function if function.startswith("arn:") else ctx.arn("lambda", f"function:{function}")
    qualifier = parameters.get("Qualifier")
    return [Request(action, f"{arn}:{qualifier}" if qualifier else arn)]


def application_autoscaling(operation: str, parameters: Mapping[str, Any], ctx: RequestContext) -> list[Request]:
    """Return requests for the target, the service that it scales and, for a policy, the alarms that it creates."""
    action = f"application-autoscaling:{operation}"
    scaled = parameters.get("ResourceId")
    if operation.startswith("Describe") or not scaled:
        return [Request(action, parameters.get("ResourceARN"))]
    requests = [
        Request(action, ctx.arn("application-autoscaling", "scalable-target/*")),
        Request("ecs:UpdateService", ctx.arn("ecs", scaled)),
    ]
    if operation.endswith("ScalingPolicy"):
        verb = "DeleteAlarms" if operation.startswith("Delete") else "PutMetricAlarm"
        requests.append(Request(f"cloudwatch:{verb}", ctx.arn("cloudwatch", f"alarm:TargetTracking-{scaled}-*")))
    return requests
