"""Read a database credential from AWS Secrets Manager."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app.database.credentials import Credential, CredentialError, parse_secret

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_HINTS = {
    "ResourceNotFoundException": "It does not exist or has no value yet: apply Terraform, whose bootstrap fills it.",
    "AccessDeniedException": "Let this task's role call secretsmanager:GetSecretValue on it.",
}


def secret_reader(arn: str) -> Callable[[], Credential]:
    """A function that reads the present version of the secret ``arn``, or gives up after half a minute.

    The version is the one that is labelled AWSCURRENT: a rotation moves that label to a login only after the login
    has been tried.
    """
    # boto3 does not read AWS_REGION, which is what ECS sets; the secret's own region is certain.
    region = arn.split(":")[3]
    client: SecretsManagerClient = boto3.client(
        "secretsmanager",
        region_name=region,
        # Nobody waits for all of this (app.database.credentials): a slow answer late is better than none.
        config=Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 2, "mode": "standard"}),
    )
    return lambda: read_secret(client, arn)


def read_secret(client: "SecretsManagerClient", arn: str) -> Credential:
    """The credential in the present version of the secret ``arn``.

    Raises:
        CredentialError: the secret cannot be read or holds something else.
    """
    try:
        answer = client.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown error")
        hint = _HINTS.get(code, "AWS's documentation of GetSecretValue explains this code.")
        raise CredentialError(f"Secret {arn} cannot be read ({code}). {hint}") from error
    except BotoCoreError as error:
        raise CredentialError(
            f"Secret {arn} cannot be read ({type(error).__name__}). Check the way to Secrets Manager "
            "(VPC endpoint, security groups), and that this process has its role's credentials."
        ) from error
    return parse_secret(answer.get("SecretString", ""), subject=f"Secret {arn}", version=answer["VersionId"])
