"""Secrets Manager, as far as this package uses it, in this package's own words."""

import functools
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import botocore.exceptions

from db_bootstrap.errors import SecretError
from db_bootstrap.inspect.session import Credential, Endpoint

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_secretsmanager.type_defs import DescribeSecretResponseTypeDef

CURRENT = "AWSCURRENT"
PENDING = "AWSPENDING"
SDK_TIMEOUT_SECONDS = 10

_ERRORS = (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError)


@dataclass(frozen=True)
class SecretVersions:
    """What a secret has, apart from values.

    Attributes:
        rotates: Whether its rotation is turned on.
        labels: The staging labels of each version, by the version's id; a version without labels is not listed.
    """

    rotates: bool
    labels: dict[str, frozenset[str]]

    def holder(self, label: str) -> str | None:
        """The id of the version that carries a label."""
        return next((version_id for version_id, own in self.labels.items() if label in own), None)


@dataclass(frozen=True)
class LastRotation:
    """How a secret's rotation stands.

    Attributes:
        rotates: Whether it is turned on.
        rotated: When one last succeeded; None if none ever did.
        made: When the secret was made.
    """

    rotates: bool
    rotated: datetime | None
    made: datetime


@dataclass(frozen=True)
class LoginSecret:
    """One version of a login's secret.

    Attributes:
        content: Its JSON object.
    """

    version_id: str
    content: dict[str, Any] = field(repr=False)


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
        found = self._read(arn, VersionStage=CURRENT)
        if found is None and not self._exists(arn):
            raise SecretError(f"There is no secret {arn}; Terraform makes it before it invokes the function.")
        return found

    def version(self, arn: str, version_id: str) -> LoginSecret | None:
        """One version of a secret, or None if it has no value.

        Raises:
            SecretError: It cannot be read, or holds no JSON object.
        """
        return self._read(arn, VersionId=version_id)

    def versions(self, arn: str) -> SecretVersions:
        """Which versions there are, and which of them is what.

        Raises:
            SecretError: The secret cannot be described.
        """
        described = self._describe(arn)
        labels = {version_id: frozenset(own) for version_id, own in described.get("VersionIdsToStages", {}).items()}
        return SecretVersions(described.get("RotationEnabled", False), labels)

    def last_rotation(self, arn: str) -> LastRotation:
        """Whether a secret is rotated, and when it last was.

        Raises:
            SecretError: The secret cannot be described.
        """
        described = self._describe(arn)
        return LastRotation(
            described.get("RotationEnabled", False), described.get("LastRotatedDate"), described["CreatedDate"]
        )

    def publish(self, arn: str, endpoint: Endpoint, credential: Credential) -> str:
        """Make a credential the secret's current version; its id.

        Raises:
            SecretError: It cannot be written.
        """
        try:
            written = self._client.put_secret_value(
                SecretId=arn, SecretString=_written(endpoint, credential), VersionStages=[CURRENT]
            )
        except _ERRORS as error:
            raise SecretError(f"The secret {arn} cannot be written: {error}") from None
        return written["VersionId"]

    def put_pending(self, arn: str, version_id: str, endpoint: Endpoint, credential: Credential) -> None:
        """Give the version ``version_id`` its value; if it has one by now, that one stays.

        Raises:
            SecretError: It cannot be written.
        """
        try:
            self._client.put_secret_value(
                SecretId=arn,
                ClientRequestToken=version_id,
                SecretString=_written(endpoint, credential),
                VersionStages=[PENDING],
            )
        except self._client.exceptions.ResourceExistsException:
            return  # two were at it, and the other one was first
        except _ERRORS as error:
            raise SecretError(f"The secret {arn} cannot be written: {error}") from None

    def make_current(self, arn: str, version_id: str, instead_of: str | None) -> None:
        """Move AWSCURRENT to a version, away from another one, in one call.

        AWSPENDING goes with it: Secrets Manager takes it off by itself, and would take a call that removes it for a
        rotation that failed. AWSPREVIOUS goes to the version that was current.
        https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html

        Raises:
            SecretError: It cannot be moved, most likely because ``instead_of`` does not carry it any more.
        """
        away = {} if instead_of is None else {"RemoveFromVersionId": instead_of}
        try:
            self._client.update_secret_version_stage(
                SecretId=arn, VersionStage=CURRENT, MoveToVersionId=version_id, **away
            )
        except _ERRORS as error:
            raise SecretError(f"{CURRENT} of the secret {arn} cannot be moved to {version_id}: {error}") from None

    def _describe(self, arn: str) -> "DescribeSecretResponseTypeDef":
        try:
            return self._client.describe_secret(SecretId=arn)
        except _ERRORS as error:
            raise SecretError(f"The secret {arn} cannot be described: {error}") from None

    def _read(self, arn: str, **which: str) -> LoginSecret | None:
        """A version's value; None if there is no such version, or no such secret."""
        try:
            value = self._client.get_secret_value(SecretId=arn, **which)
        except self._client.exceptions.ResourceNotFoundException:
            return None
        except _ERRORS as error:
            raise SecretError(f"The secret {arn} cannot be read: {error}") from None
        try:
            content = json.loads(value["SecretString"])
        except (KeyError, ValueError):
            content = None
        if not isinstance(content, dict):
            version = " ".join(which.values())
            raise SecretError(f"Version {version} of the secret {arn} is no JSON object; somebody else wrote it.")
        return LoginSecret(value["VersionId"], content)

    def _exists(self, arn: str) -> bool:
        try:
            self._client.describe_secret(SecretId=arn)
        except self._client.exceptions.ResourceNotFoundException:
            return False
        except _ERRORS as error:
            raise SecretError(f"The secret {arn} cannot be described: {error}") from None
        return True


def _written(endpoint: Endpoint, credential: Credential) -> str:
    """The secret's JSON, with the keys that AWS's own rotation functions and clients expect."""
    return json.dumps(
        {
            "engine": "postgres",
            "host": endpoint.host,
            "port": endpoint.port,
            "dbname": endpoint.database,
            "username": credential.username,
            "password": credential.password,
        }
    )


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
