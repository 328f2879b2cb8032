"""The function that has ECS start a service's tasks anew, for tasks that read their credential only when they start.

A rule of EventBridge cannot call ECS's UpdateService, so it invokes this. The cluster and the service are settings: the
event says that a secret has changed, and not what depends on it.
"""

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from db_bootstrap.errors import ConfigurationError

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def redeploy(_event: dict[str, Any], _context: LambdaContext) -> None:
    """Begin a new deployment of the service as it is; ECS rolls it out, or back.

    Raises:
        ConfigurationError: ECS_CLUSTER or ECS_SERVICE is not set.
    """
    import boto3  # noqa: PLC0415 - Lambda brings it

    cluster, service = os.environ.get("ECS_CLUSTER"), os.environ.get("ECS_SERVICE")
    if not (cluster and service):
        raise ConfigurationError("The function's environment lacks ECS_CLUSTER or ECS_SERVICE; set them in Terraform.")
    boto3.client("ecs").update_service(cluster=cluster, service=service, forceNewDeployment=True)
    logger.info("Began a deployment", cluster=cluster, service=service)
