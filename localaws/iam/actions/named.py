"""Services whose resources a call names: RDS, ECS, ECR, load balancers, rules, schedules, topics and web ACLs.

Different from AWS: resources that a call only refers to, such as the target group of a listener, need no permission.
"""

from collections.abc import Mapping
from typing import Any

from localaws.iam.actions.context import RequestContext
from localaws.iam.evaluate import Request

# Resources by the parameter that names them, or by operation and parameter; parameters with ARNs need no entry.
_RESOURCES: Mapping[str, Mapping[str, str]] = {
    "ecr": {"repositoryName": "repository/{}", "repositoryNames": "repository/{}"},
    "ecs": {
        "cluster": "cluster/{}",
        "CreateCluster.clusterName": "cluster/{}",
        "RegisterTaskDefinition.family": "task-definition/{}:*",
    },
    "elasticloadbalancing": {
        "CreateLoadBalancer.Name": "loadbalancer/app/{}/*",
        "CreateTargetGroup.Name": "targetgroup/{}/*",
    },
    "events": {"Rule": "rule/{}", "Name": "rule/{}"},
    "rds": {
        "DBInstanceIdentifier": "db:{}",
        "DBParameterGroupName": "pg:{}",
        "DBSnapshotIdentifier": "snapshot:{}",
        "DBSubnetGroupName": "subgrp:{}",
        "SourceDBInstanceIdentifier": "db:{}",
        "SourceDbiResourceId": "auto-backup:*",
        "TargetDBInstanceIdentifier": "db:{}",
    },
    "scheduler": {
        "CreateScheduleGroup.Name": "schedule-group/{}",
        "DeleteScheduleGroup.Name": "schedule-group/{}",
        "GetScheduleGroup.Name": "schedule-group/{}",
        "Name": "schedule/{GroupName}/{}",
    },
    "sns": {"CreateTopic.Name": "{}"},
    "wafv2": {"CreateWebACL.Name": "regional/webacl/{}/*", "Name": "regional/webacl/{}/{Id}"},
}
# They support no resource.
_UNSCOPED = ("elasticloadbalancing:Describe", "ecs:Describe", "ecs:List", "wafv2:List")


def named(prefix: str, operation: str, parameters: Mapping[str, Any], ctx: RequestContext) -> list[Request]:
    """Return a request for each resource that a call names; without a resource if it names none."""
    action = f"{prefix}:{operation}"
    if action.startswith(_UNSCOPED):
        return [Request(action, None)]
    if prefix == "ecs" and parameters.get("cluster") and (parameters.get("service") or parameters.get("serviceName")):
        names = (parameters["cluster"], parameters.get("service") or parameters["serviceName"])
        return [Request(action, ctx.arn("ecs", "service/" + "/".join(name.rpartition("/")[2] for name in names)))]
    defaults = {"GroupName": "default", "Id": "*", **parameters}
    arns = []
    for parameter, value in parameters.items():
        template = _RESOURCES[prefix].get(f"{operation}.{parameter}") or _RESOURCES[prefix].get(parameter)
        texts = [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]
        if template or parameter.lower().endswith(("arn", "arns", "resourcename")):
            arns += [
                text if text.startswith("arn:") else ctx.arn(prefix, (template or "{}").format(text, **defaults))
                for text in texts
            ]
    # SNS checks the topic of a subscription.
    arns = [":".join(arn.split(":")[:6]) if prefix == "sns" else arn for arn in arns]
    own = [arn for arn in arns if arn.split(":")[2] in {prefix, "elasticloadbalancing"}]
    return [Request(action, arn) for arn in own] or [Request(action, None)]
