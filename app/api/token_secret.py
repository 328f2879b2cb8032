"""Read the write tokens from AWS Secrets Manager: the present one, and the one that it replaced."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app.api.write_token import TokenError
from app.settings import WRITE_TOKEN

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

# Whoever puts a new value moves the first label to it and the second to the value before.
_STAGES = ("AWSCURRENT", "AWSPREVIOUS")


def token_reader(arn: str) -> Callable[[], tuple[str, ...]]:
    """A function that reads the tokens of the secret ``arn``, in a few seconds at the most."""
    client: SecretsManagerClient = boto3.client(
        "secretsmanager",
        region_name=arn.split(":")[3],
        config=Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 2, "mode": "standard"}),
    )
    return lambda: read_tokens(client, arn)


def read_tokens(client: "SecretsManagerClient", arn: str) -> tuple[str, ...]:
    """The tokens that are good now: one, or two where a value has been replaced.

    Raises:
        TokenError: the secret cannot be read, or holds something else.
    """
    values = [_read(client, arn, stage) for stage in _STAGES]
    tokens = tuple(value for value in values if value is not None)
    if not tokens:
        raise TokenError(f"Secret {arn} does not exist or has no value yet: apply Terraform, which makes both.")
    if not all(WRITE_TOKEN.fullmatch(token) for token in tokens):
        raise TokenError(f"Secret {arn} is no bearer token: 20 to 200 letters, digits and any of . _ ~ + / - are.")
    return tokens


def _read(client: "SecretsManagerClient", arn: str, stage: str) -> str | None:
    try:
        return client.get_secret_value(SecretId=arn, VersionStage=stage).get("SecretString", "")
    except client.exceptions.ResourceNotFoundException:
        return None
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown error")
        raise TokenError(
            f"Secret {arn} cannot be read ({code}). Let this task's role call secretsmanager:GetSecretValue on it."
        ) from error
    except BotoCoreError as error:
        raise TokenError(f"Secret {arn} cannot be read ({type(error).__name__}). Check the way to it.") from error
