"""Log in to RDS with an IAM authentication token instead of a password.

The token is signed locally with this process's role and is valid for 15 minutes. RDS checks it only when a connection
opens. The role needs ``rds-db:connect`` on the login ("IAM database authentication" in the RDS user guide).
"""

import time
from collections.abc import Callable
from dataclasses import replace

import boto3
from botocore.exceptions import BotoCoreError

from app.aws import SecretError
from app.database.credentials import Credential

# Below 15 minutes: a token is not tried in its last minutes.
TOKEN_SECONDS = 600.0


def token_signer(login: Credential, region: str) -> Callable[[], Credential]:
    """Return a function that returns ``login`` with a new token for a database in ``region``. It makes no request.

    The credential's version is the role's access key: a refused token is replaced if the role has a new one.
    """
    session = boto3.Session(region_name=region)
    client = session.client("rds")

    def sign() -> Credential:
        try:
            token = client.generate_db_auth_token(DBHostname=login.host, Port=login.port, DBUsername=login.username)
        except BotoCoreError as error:
            raise SecretError(
                f"No token can be signed for {login.username} ({type(error).__name__}). This process needs the "
                "credentials of a role; in ECS, the task role."
            ) from error
        keys = session.get_credentials()
        assert keys is not None  # they have signed
        version = str(keys.get_frozen_credentials().access_key)
        return replace(login, password=token, version=version, expires_at=time.monotonic() + TOKEN_SECONDS)

    return sign
