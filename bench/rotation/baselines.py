"""The common ways to rotate, to compare this project's with.

Rewritten with the steps of AWS's reference functions for PostgreSQL, for a single user and for alternating users. They
keep what decides whether requests fail: which login gets a new password, when, and when AWSCURRENT moves. Everything
else is omitted or no worse than ours, so that only designs are compared: TLS is always verified, errors are raised, and
the master's credential is an argument instead of another secret.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_available-rotation-templates.html

As in the originals, the statement contains the password in plain text. Not for production.
"""

import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from pg8000.native import Connection

from db_bootstrap.credentials.passwords import new_password
from db_bootstrap.credentials.rotation import Step
from db_bootstrap.errors import RefusedLoginError
from db_bootstrap.inspect.session import connected
from db_bootstrap.model import Credential, Endpoint
from db_bootstrap.sql import identifier, literal

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CLONE_SUFFIX = "_clone"


class ReferenceRotation(ABC):
    """The rotation of one secret to the version ``token``, step by step, as Secrets Manager invokes it."""

    def __init__(self, client: "SecretsManagerClient", endpoint: Endpoint, arn: str, token: str) -> None:
        self._client = client
        self._endpoint = endpoint
        self._arn = arn
        self._token = token

    def run(self, step: Step) -> None:
        """Run one step.

        Raises:
            RefusedLoginError: A login that the step needs is refused.
        """
        match step:
            case Step.CREATE:
                self._create()
            case Step.SET:
                self._set()
            case Step.TEST:
                with connected(self._endpoint, self._credential("AWSPENDING", self._token)) as connection:
                    connection.run("SELECT now()")
            case Step.FINISH:
                self._finish()

    def _create(self) -> None:
        current = self._read("AWSCURRENT")
        try:
            self._read("AWSPENDING", self._token)
        except self._client.exceptions.ResourceNotFoundException:
            pending = {**current, "username": self._next_username(current["username"]), "password": new_password()}
            self._client.put_secret_value(
                SecretId=self._arn,
                ClientRequestToken=self._token,
                SecretString=json.dumps(pending),
                VersionStages=["AWSPENDING"],
            )

    def _set(self) -> None:
        pending = self._credential("AWSPENDING", self._token)
        if not self._logs_in(pending):
            self._set_password(pending, self._credential("AWSCURRENT"))

    def _finish(self) -> None:
        labels = self._client.describe_secret(SecretId=self._arn)["VersionIdsToStages"]
        current = next(version_id for version_id, own in labels.items() if "AWSCURRENT" in own)
        if current != self._token:
            self._client.update_secret_version_stage(
                SecretId=self._arn,
                VersionStage="AWSCURRENT",
                MoveToVersionId=self._token,
                RemoveFromVersionId=current,
            )

    @abstractmethod
    def _next_username(self, current: str) -> str:
        """Return the login whose password changes, if ``current`` is in use."""

    @abstractmethod
    def _set_password(self, pending: Credential, current: Credential) -> None:
        """Make the database accept ``pending``."""

    def _logs_in(self, credential: Credential) -> bool:
        try:
            with connected(self._endpoint, credential):
                return True
        except RefusedLoginError:
            return False

    def _credential(self, stage: str, version_id: str | None = None) -> Credential:
        content = self._read(stage, version_id)
        return Credential(content["username"], content["password"])

    def _read(self, stage: str, version_id: str | None = None) -> dict[str, Any]:
        which = {} if version_id is None else {"VersionId": version_id}
        value = self._client.get_secret_value(SecretId=self._arn, VersionStage=stage, **which)
        content: dict[str, Any] = json.loads(value["SecretString"])
        return content


class SingleUser(ReferenceRotation):
    """The login changes its own password; until AWSCURRENT moves, the value of the secret is refused."""

    def _next_username(self, current: str) -> str:
        return current

    def _set_password(self, pending: Credential, current: Credential) -> None:
        with connected(self._endpoint, current) as connection:
            _alter(connection, pending)


class AlternatingUsers(ReferenceRotation):
    """The master sets the password of the login's clone, or of the login if its clone is in use."""

    def __init__(
        self, client: "SecretsManagerClient", endpoint: Endpoint, arn: str, token: str, master: Credential
    ) -> None:
        super().__init__(client, endpoint, arn, token)
        self._master = master

    def _next_username(self, current: str) -> str:
        return current.removesuffix(CLONE_SUFFIX) if current.endswith(CLONE_SUFFIX) else current + CLONE_SUFFIX

    def _set_password(self, pending: Credential, current: Credential) -> None:
        with connected(self._endpoint, current):
            pass  # the original requires a working current credential
        with connected(self._endpoint, self._master) as connection:
            if connection.run("SELECT FROM pg_roles WHERE rolname = :name", name=pending.username):
                _alter(connection, pending)
            else:
                clone = identifier(pending.username)
                connection.run(f"CREATE ROLE {clone} LOGIN PASSWORD {literal(pending.password)}")
                connection.run(f"GRANT {identifier(current.username)} TO {clone}")


def _alter(connection: Connection, credential: Credential) -> None:
    connection.run(f"ALTER ROLE {identifier(credential.username)} PASSWORD {literal(credential.password)}")
