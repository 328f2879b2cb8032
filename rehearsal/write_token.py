"""The token that the rehearsed service asks for when the catalogue is changed."""

import boto3

from devtools.errors import RehearsalError
from rehearsal.run import Run


def write_token(run: Run) -> str:
    """The token's present value, read from the local AWS as the account's administrator.

    Raises:
        RehearsalError: no rehearsal runs, or its service asks for no token.
    """
    if not run.is_running():
        raise RehearsalError("No rehearsal is running in this folder. Start one with `make up`.")
    secrets = boto3.client(
        "secretsmanager",
        endpoint_url=run.endpoint,
        region_name="us-east-1",
        aws_access_key_id="AKIAREHEARSAL0000000",
        aws_secret_access_key="rehearsal",  # noqa: S106 - any will do
    )
    names = [secret["Name"] for secret in secrets.list_secrets()["SecretList"]]
    found = [name for name in names if "/service/write-token-" in name]
    if not found:
        raise RehearsalError("The rehearsed service asks for no token: writes_need_token is false.")
    return secrets.get_secret_value(SecretId=found[0])["SecretString"]
