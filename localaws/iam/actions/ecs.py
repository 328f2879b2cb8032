"""ECS: tasks by their definition, roles and tags, and sessions in them; everything else by its name."""

from collections.abc import Mapping
from typing import Any

from localaws.iam.actions.context import RequestContext
from localaws.iam.actions.named import named
from localaws.iam.evaluate import Request


def ecs(operation: str, parameters: Mapping[str, Any], ctx: RequestContext) -> list[Request]:
    """Return a request for each task, or for what RunTask uses and sets."""
    cluster = str(parameters.get("cluster") or "default").rpartition("/")[2]
    if operation == "RunTask":
        family = str(parameters["taskDefinition"]).rpartition("/")[2].partition(":")[0]
        needed = [
            Request(
                "ecs:RunTask",
                ctx.arn("ecs", f"task-definition/{family}:*"),
                {"ecs:cluster": ctx.arn("ecs", f"cluster/{cluster}")},
            ),
            *(
                Request("iam:PassRole", role, {"iam:PassedToService": "ecs-tasks.amazonaws.com"})
                for role in ctx.find_task_roles(parameters["taskDefinition"])
            ),
        ]
        if parameters.get("tags") or parameters.get("propagateTags"):
            needed.append(
                Request("ecs:TagResource", ctx.arn("ecs", f"task/{cluster}/*"), {"ecs:CreateAction": operation})
            )
        return needed
    if operation in ("DeregisterTaskDefinition", "DescribeTaskDefinition"):
        return [Request(f"ecs:{operation}", "*")]  # they support no resource
    if operation in ("DescribeTasks", "StopTask"):
        tasks = parameters.get("tasks") or [str(parameters.get("task"))]
        arns = [task if task.startswith("arn:") else ctx.arn("ecs", f"task/{cluster}/{task}") for task in tasks]
        return [Request(f"ecs:{operation}", arn, ctx.resource_tags(arn)) for arn in arns]
    return named("ecs", operation, parameters, ctx)


def ssm(operation: str, parameters: Mapping[str, Any], ctx: RequestContext) -> list[Request]:
    """Return a request for the task of a session and one for its document."""
    if operation != "StartSession":
        return [Request(f"ssm:{operation}", None)]
    cluster, task, _ = str(parameters["Target"]).removeprefix("ecs:").rsplit("_", 2)
    document = f"arn:aws:ssm:{ctx.region}::document/{parameters.get('DocumentName')}"
    return [Request("ssm:StartSession", arn) for arn in (ctx.arn("ecs", f"task/{cluster}/{task}"), document)]
