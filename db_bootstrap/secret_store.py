"""Secrets Manager, as far as this package uses it, in this package's own words."""

import functools
import json
from typing import TYPE_CHECKING, Any

import attrs
import botocore.exceptions

from db_bootstrap.connection import Credential, Endpoint
from db_bootstrap.errors import SecretError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CURRENT = "AWSCURRENT"
SDK_TIMEOUT_SECONDS = 10


@attrs.frozen
class LoginSecret:
    """The current version of a login's secret.

    Attributes:
        content: Its JSON object.
    """

    version_id: str
    content: dict[str, Any] = attrs.field(repr=False)


class SecretStore:
    """Reads and writes secrets.

    Args:
        client: boto3's, with timeouts below the function's own.
    """

    def __init__(self, client: "SecretsManagerClient") -> None:
        self._client = client

    def master(self, arn: str) -> Credential:
        """The master's login, from the secret that RDS manages: it holds ``username`` and ``password`` only.

        Raises:
            SecretError: It cannot be read, or is not of that shape.
        """
        secret = self.current(arn)
        try:
            return Credential(secret.content["username"], secret.content["password"]) if secret else _missing(arn)
        except KeyError as error:
            raise SecretError(f"The secret {arn} has no {error.args[0]!r}; is it the one that RDS manages?") from None

    def current(self, arn: str) -> LoginSecret | None:
        """The current version of a secret, or None while it has none.

        Raises:
            SecretError: It cannot be read, or holds no JSON object.
        """
        try:
            value = self._client.get_secret_value(SecretId=arn, VersionStage=CURRENT)
        except self._client.exceptions.ResourceNotFoundException:
            if self._exists(arn):
                return None
            raise SecretError(f"There is no secret {arn}; Terraform makes it before it invokes the function.") from None
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
            raise SecretError(f"The secret {arn} cannot be read: {error}") from None
        try:
            content = json.loads(value["SecretString"])
        except (KeyError, ValueError):
            content = None
        if not isinstance(content, dict):
            raise SecretError(f"The current version of the secret {arn} is no JSON object; somebody else wrote it.")
        return LoginSecret(value["VersionId"], content)

    def publish(self, arn: str, endpoint: Endpoint, credential: Credential) -> str:
        """Make a credential the secret's current version; its id.

        Raises:
            SecretError: It cannot be written.
        """
        content = {
            "engine": "postgres",
            "host": endpoint.host,
            "port": endpoint.port,
            "dbname": endpoint.database,
            "username": credential.username,
            "password": credential.password,
        }
        try:
            written = self._client.put_secret_value(
                SecretId=arn, SecretString=json.dumps(content), VersionStages=[CURRENT]
            )
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
            raise SecretError(f"The secret {arn} cannot be written: {error}") from None
        return written["VersionId"]

    def _exists(self, arn: str) -> bool:
        try:
            self._client.describe_secret(SecretId=arn)
        except self._client.exceptions.ResourceNotFoundException:
            return False
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
            raise SecretError(f"The secret {arn} cannot be described: {error}") from None
        return True


def _missing(arn: str) -> Credential:
    raise SecretError(f"The secret {arn} has no current version; RDS writes one when it makes the database.")


@functools.cache
def store_of_runtime() -> SecretStore:
    """The secrets that the function's own role may use; made once a process."""
    import boto3  # noqa: PLC0415 - Lambda brings it; it is slow to import and not needed to refuse an event
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        connect_timeout=SDK_TIMEOUT_SECONDS,
        read_timeout=SDK_TIMEOUT_SECONDS,
        retries={"mode": "standard", "max_attempts": 5},
    )
    return SecretStore(boto3.client("secretsmanager", config=config))
