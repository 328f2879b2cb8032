"""Log in with a token for RDS instead of a password: signed here, with this process's role, good for 15 minutes.

RDS checks the token when a connection opens and never again, so each connection gets one of its own. What the role must
be allowed is ``rds-db:connect`` on the login ("IAM database authentication" in the RDS user guide).
"""

from collections.abc import Callable
from dataclasses import replace

import boto3
from botocore.exceptions import BotoCoreError

from app.database.credentials import Credential, CredentialError

_FIRST, _SECOND = "first token", "second token"


class TokenSource:
    """A credential whose password is a new token each time."""

    def __init__(self, login: Credential, sign: Callable[[Credential], str]) -> None:
        """Make a source of tokens for ``login``, whose password is not looked at."""
        self._login = login
        self._sign = sign

    def current(self) -> Credential:
        """The login with a fresh token.

        Raises:
            CredentialError: this process has no role to sign with.
        """
        return self._with_token(_FIRST)

    def refreshed(self, refused: Credential) -> Credential:
        """A second token, for the role's own credentials may just have been replaced; there is no third.

        Raises:
            CredentialError: this process has no role to sign with.
        """
        return refused if refused.version == _SECOND else self._with_token(_SECOND)

    def _with_token(self, version: str) -> Credential:
        return replace(self._login, password=self._sign(self._login), version=version)


def token_signer(region: str) -> Callable[[Credential], str]:
    """A function that signs a token for a login to a database in ``region``. It works locally and asks nobody."""
    client = boto3.client("rds", region_name=region)

    def sign(login: Credential) -> str:
        try:
            token: str = client.generate_db_auth_token(
                DBHostname=login.host, Port=login.port, DBUsername=login.username, Region=region
            )
        except BotoCoreError as error:
            raise CredentialError(
                f"No token can be signed for {login.username} ({type(error).__name__}). This process needs the "
                "credentials of a role; in ECS that is the task's."
            ) from error
        return token

    return sign
