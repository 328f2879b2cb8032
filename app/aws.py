"""Read secrets from AWS Secrets Manager."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_NO_VALUE = "ResourceNotFoundException"
_REMEDIES = {
    _NO_VALUE: "It does not exist or has no value yet: apply Terraform, which creates both.",
    "AccessDeniedException": "Let this task's role call secretsmanager:GetSecretValue on it.",
}


class SecretError(Exception):
    """A secret cannot be read or used. The message names the secret, the cause and the remedy, never the value."""


class SecretWithoutValueError(SecretError):
    """The secret does not exist, or no version of it has the requested label."""


def secrets_client(arn: str, *, read_timeout_seconds: float) -> "SecretsManagerClient":
    """Return a client for the region of the secret ``arn``, which makes two attempts."""
    return boto3.client(
        "secretsmanager",
        # boto3 does not read AWS_REGION, which is what ECS sets; the secret's region is certain.
        region_name=arn.split(":")[3],
        config=Config(
            connect_timeout=2, read_timeout=read_timeout_seconds, retries={"total_max_attempts": 2, "mode": "standard"}
        ),
    )


def read_secret(client: "SecretsManagerClient", arn: str, stage: str = "AWSCURRENT") -> tuple[str, str]:
    """Return the version of the secret ``arn`` that has the staging label ``stage``: its text and its identifier.

    The text of a binary secret is empty.

    Raises:
        SecretWithoutValueError: There is no such version.
        SecretError: The secret cannot be read.
    """
    try:
        answer = client.get_secret_value(SecretId=arn, VersionStage=stage)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown error")
        remedy = _REMEDIES.get(code, "AWS's documentation of GetSecretValue explains this code.")
        kind = SecretWithoutValueError if code == _NO_VALUE else SecretError
        raise kind(f"Secret {arn} cannot be read ({code}). {remedy}") from error
    except BotoCoreError as error:
        raise SecretError(
            f"Secret {arn} cannot be read ({type(error).__name__}). Check the network path to Secrets Manager "
            "(VPC endpoint, security groups), and that this process has its role's credentials."
        ) from error
    return answer.get("SecretString", ""), answer["VersionId"]
