"""Read the local AWS of a run by boto3."""

from typing import Any, Protocol

import boto3
from botocore.config import Config

from devtools.errors import UserError
from rehearsal.run import Run

REGION = "us-east-1"
# Nothing between this process and 127.0.0.1; and a call that fails is reported, not repeated.
_CONFIG = Config(proxies={}, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})


class Running(Protocol):
    """A running local AWS: its endpoint, and its administrator's credentials as arguments of ``aws_client``."""

    @property
    def endpoint(self) -> str | None: ...  # noqa: D102
    @property
    def administrator(self) -> dict[str, str]: ...  # noqa: D102


def aws_client(local_aws: Running, service: str, **credentials: str) -> Any:
    """Return a client with the given credentials, or with the administrator's."""
    make: Any = boto3.client  # its overloads know each service by a literal
    keys = credentials or local_aws.administrator
    return make(service, endpoint_url=local_aws.endpoint, region_name=REGION, config=_CONFIG, **keys)


def assume_role(local_aws: Running, role_arn: str) -> dict[str, str]:
    """Return a role's credentials, as arguments of ``aws_client``."""
    sts = aws_client(local_aws, "sts")
    issued = sts.assume_role(RoleArn=role_arn, RoleSessionName="rehearsal")["Credentials"]
    return {
        "aws_access_key_id": issued["AccessKeyId"],
        "aws_secret_access_key": issued["SecretAccessKey"],
        "aws_session_token": issued["SessionToken"],
    }


def write_token(run: Run) -> str:
    """Return the token that the rehearsed service requires for writes.

    Raises:
        UserError: no rehearsal runs, or it has no token.
    """
    run.require_running()
    secrets = aws_client(run, "secretsmanager")
    names = [secret["Name"] for secret in secrets.list_secrets()["SecretList"]]
    found = [name for name in names if "/service/write-token-" in name]
    if not found:
        raise UserError("There is no write token: `make up` has not finished, or writes_need_token is false.")
    return str(secrets.get_secret_value(SecretId=found[0])["SecretString"])
