"""Use a task's execution role before a container starts: pull the image, open logs, fetch secrets.

Each step is authorized: calls go to the API with the role's credentials; where nothing is called (images are folders of
the run, there is no registry), the role's policies are evaluated. A missing permission keeps the task from starting,
with the message that ECS would put into ``stoppedReason``.

Different from AWS: image layers are not counted, and resource policies of the registry are not evaluated. A secret is
the whole current value of one in Secrets Manager: no JSON key, no version, no SSM parameter.
"""

import re
import threading
from collections.abc import Iterable
from typing import Any

import boto3
import botocore.config
from botocore.exceptions import ClientError

from localaws.ecs.containers import Container, LogDestination
from localaws.iam.authorizer import Authorizer
from localaws.iam.credentials import role_environment
from localaws.iam.evaluate import Request
from localaws.settings import Context

PRINCIPAL = "ecs-tasks.amazonaws.com"
_REPOSITORY = re.compile(r"^(?P<account>\d+)\.dkr\.ecr\.(?P<region>[^.]+)\.[^/]+/(?P<name>[^@:]+)")
_AGENT_ACTIONS = ("CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel")
_PULL_ACTIONS = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
# Creating a client reads service descriptions; the session keeps them, but cannot be used by two threads at once.
_session_lock = threading.Lock()
_session = boto3.Session(aws_access_key_id="none", aws_secret_access_key="none", region_name="us-east-1")  # noqa: S106


class TaskStartError(Exception):
    """ECS cannot start a task; the message is its ``stoppedReason``."""


class ExecutionRole:
    """The execution role of one task.

    Args:
        context: of the local AWS.
        role_arn: the role; nothing if the task definition names none.
        task_arn: the task.
    """

    def __init__(self, context: Context, role_arn: str | None, task_arn: str) -> None:
        self._context = context
        self._role_arn = role_arn
        self._task_arn = task_arn
        self._authorizer = Authorizer(context.settings, context.journal)
        self._client_by_service: dict[str, Any] = {}

    def check_pull(self, images: Iterable[str]) -> None:
        """Make sure that the role can pull these images.

        Raises:
            TaskStartError: it cannot.
        """
        for image in sorted(set(images)):
            repository = _REPOSITORY.match(image)
            if repository is None:
                continue  # no image of ECR: pulled without permissions
            arn = f"arn:aws:ecr:{repository['region']}:{repository['account']}:repository/{repository['name']}"
            role_arn = self._required(f"to pull {image}")
            assumed_by_tasks(self._context, role_arn, self._task_arn)
            for action, resource in [("ecr:GetAuthorizationToken", "*"), *((name, arn) for name in _PULL_ACTIONS)]:
                decision = self._authorizer.allows(role_arn, Request(action, resource))
                if not decision.allowed:
                    raise TaskStartError(
                        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
                        f"retrieval failed: unable to retrieve ecr registry auth: User: {role_arn} is not authorized "
                        f"to perform: {action} on resource: {resource} {decision.reason}"
                    )

    def open_log(self, destination: LogDestination, stream: str) -> Any:
        """Create a log stream; a client for CloudWatch Logs that can write to it, for the caller to close.

        Raises:
            TaskStartError: the role cannot, or the group does not exist.
        """
        client = self._new_client("logs", "to write to CloudWatch Logs")
        try:
            client.create_log_stream(logGroupName=destination.group, logStreamName=stream)
        except ClientError as error:
            client.close()
            raise TaskStartError(
                "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
                f"failed to create Cloudwatch log stream {stream} in group {destination.group}: {error}"
            ) from error
        return client

    def secrets_of(self, container: Container) -> dict[str, str]:
        """Return the values of a container's secrets, by variable.

        Raises:
            TaskStartError: the role cannot read one, or there is no such value.
        """
        return {
            variable: self._fetch(value_from, container)
            for variable, value_from in container.secret_by_variable.items()
        }

    def _fetch(self, value_from: str, container: Container) -> str:
        try:
            client = self._client("secretsmanager", f"to read the secrets of container {container.name}")
            # Without a stage, moto answers with the pending version while a rotation is under way.
            return str(client.get_secret_value(SecretId=value_from, VersionStage="AWSCURRENT")["SecretString"])
        except ClientError as error:
            raise TaskStartError(
                "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval "
                f"failed: unable to retrieve secret from asm: {value_from}: {error}"
            ) from error

    def _client(self, service: str, purpose: str) -> Any:
        if service not in self._client_by_service:
            self._client_by_service[service] = self._new_client(service, purpose)
        return self._client_by_service[service]

    def _new_client(self, service: str, purpose: str) -> Any:
        environment = assumed_by_tasks(self._context, self._required(purpose), self._task_arn)
        session: Any = _session  # its overloads want a literal name
        with _session_lock:
            return session.client(
                service,
                endpoint_url=self._context.settings.endpoint,
                region_name=self._context.settings.region,
                aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
                aws_session_token=environment["AWS_SESSION_TOKEN"],
                config=botocore.config.Config(proxies={}, retries={"total_max_attempts": 2}),
            )

    def close(self) -> None:
        """Close the connections of the clients."""
        for client in self._client_by_service.values():
            client.close()

    def _required(self, purpose: str) -> str:
        if self._role_arn is None:
            raise TaskStartError(
                f"Fargate requires the task definition to have an execution role {purpose}. Set execution_role_arn."
            )
        return self._role_arn


def assumed_by_tasks(context: Context, role_arn: str, task_arn: str) -> dict[str, str]:
    """Return the environment of a process that acts as ``role_arn`` on behalf of a task.

    Raises:
        TaskStartError: the role does not exist, or does not let ECS tasks assume it.
    """
    decision = Authorizer(context.settings, context.journal).trusts(role_arn, PRINCIPAL, {"aws:SourceArn": task_arn})
    if not decision.allowed:
        raise TaskStartError(
            f"ECS was unable to assume the role '{role_arn}' {decision.reason}. "
            f"Its trust policy must let {PRINCIPAL} assume it."
        )
    return role_environment(context.settings, role_arn, task_arn.rsplit("/", 1)[-1])


def can_run_agent(context: Context, role_arn: str) -> bool:
    """Return whether a task's role allows the agent of ECS Exec what it needs."""
    authorizer = Authorizer(context.settings, context.journal)
    return all(authorizer.allows(role_arn, Request(f"ssmmessages:{name}", "*")).allowed for name in _AGENT_ACTIONS)
