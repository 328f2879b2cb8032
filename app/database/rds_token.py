"""Log in to RDS with an IAM authentication token instead of a password.

The token is signed locally with this process's role and is valid for 15 minutes. RDS checks it only when a connection
opens, so each connection gets a new one. The role needs ``rds-db:connect`` on the login ("IAM database authentication"
in the RDS user guide).
"""

import math
from collections.abc import Callable
from dataclasses import replace

import boto3
from botocore.exceptions import BotoCoreError

from app.database.credentials import Credential, CredentialError

_FIRST, _SECOND = "first token", "second token"


class TokenSource:
    """A credential whose password is a new token each time."""

    def __init__(self, login: Credential, sign: Callable[[Credential], str]) -> None:
        """Create a source of tokens for ``login``, whose password is ignored."""
        self._login = login
        self._sign = sign

    def current(self, deadline: float = math.inf) -> Credential:  # noqa: ARG002 - signing does not wait
        """Return the login with a new token.

        Raises:
            CredentialError: This process has no role to sign with.
        """
        return self._with_token(_FIRST)

    def refreshed(self, refused: Credential, deadline: float = math.inf) -> Credential:  # noqa: ARG002
        """Return a second token, because the role's credentials may just have been replaced; there is no third.

        Raises:
            CredentialError: This process has no role to sign with.
        """
        return refused if refused.version == _SECOND else self._with_token(_SECOND)

    def _with_token(self, version: str) -> Credential:
        return replace(self._login, password=self._sign(self._login), version=version)


def token_signer(region: str) -> Callable[[Credential], str]:
    """Return a function that signs a token for a login to a database in ``region``. It makes no request."""
    client = boto3.client("rds", region_name=region)

    def sign(login: Credential) -> str:
        try:
            token: str = client.generate_db_auth_token(
                DBHostname=login.host, Port=login.port, DBUsername=login.username, Region=region
            )
        except BotoCoreError as error:
            raise CredentialError(
                f"No token can be signed for {login.username} ({type(error).__name__}). This process needs the "
                "credentials of a role; in ECS, the task role."
            ) from error
        return token

    return sign
