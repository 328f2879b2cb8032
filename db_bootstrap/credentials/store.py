"""The secrets of the master and of the logins, in Secrets Manager."""

import functools
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import botocore.exceptions

from db_bootstrap.errors import SecretError
from db_bootstrap.model import Credential, Endpoint
from db_bootstrap.settings import Settings
from db_bootstrap.values import dataclass

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CURRENT = "AWSCURRENT"
PENDING = "AWSPENDING"
PREVIOUS = "AWSPREVIOUS"
SDK_TIMEOUT_SECONDS = 10


@contextmanager
def _aws_errors_as(problem: str) -> Iterator[None]:
    """Raise an error of AWS or of its client as a `SecretError` that begins with the problem."""
    try:
        yield
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        raise SecretError(f"{problem}: {error}") from None


@dataclass(frozen=True)
class SecretState:
    """The state of a secret and of its rotation, without any value.

    Attributes:
        rotates: Whether rotation is turned on.
        labels: The staging labels of each version, by the version's id; a version without labels is not listed.
        rotated: The time of the last successful rotation; None if there was none.
    """

    rotates: bool
    labels: dict[str, frozenset[str]]
    created: datetime
    rotated: datetime | None

    def holder(self, label: str) -> str | None:
        """Return the id of the version that has a label."""
        return next((version_id for version_id, labels in self.labels.items() if label in labels), None)


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
        client: boto3's, with timeouts shorter than the function's.
    """

    def __init__(self, client: "SecretsManagerClient") -> None:
        self._client = client

    def master(self, arn: str) -> Credential:
        """Return the master's credential, from the secret that RDS manages, which has no address.

        Raises:
            SecretError: It cannot be read, or a key is missing or malformed.
        """
        secret = self.current(arn)
        if secret is None:
            raise SecretError(f"The secret {arn} has no current version; RDS writes one when it creates the database.")
        for key in ("username", "password"):
            if not is_printable(secret.content.get(key)):
                raise SecretError(
                    f"The secret {arn} has no usable {key!r}, which must be printable ASCII text; is it the one that "
                    "RDS manages? If so, rotate it: RDS writes a new version."
                )
        return Credential(secret.content["username"], secret.content["password"])

    def current(self, arn: str) -> LoginSecret | None:
        """Return the current version of a secret, or None while it has none.

        Raises:
            SecretError: It cannot be read, or is not a JSON object.
        """
        secret = self.labelled(arn, CURRENT)
        if secret is None and not self._exists(arn):
            raise SecretError(f"There is no secret {arn}; Terraform creates it before it invokes the function.")
        return secret

    def labelled(self, arn: str, label: str) -> LoginSecret | None:
        """Return the version of a secret that has a staging label, or None if none has it.

        Raises:
            SecretError: It cannot be read, or is not a JSON object.
        """
        return self._read(arn, VersionStage=label)

    def version(self, arn: str, version_id: str) -> LoginSecret | None:
        """Return one version of a secret, or None if it has no value.

        Raises:
            SecretError: It cannot be read, or is not a JSON object.
        """
        return self._read(arn, VersionId=version_id)

    def state(self, arn: str) -> SecretState:
        """Return the state of a secret.

        Raises:
            SecretError: The secret cannot be described.
        """
        with _aws_errors_as(f"The secret {arn} cannot be described"):
            described = self._client.describe_secret(SecretId=arn)
        return SecretState(
            described.get("RotationEnabled", False),
            {version_id: frozenset(stages) for version_id, stages in described.get("VersionIdsToStages", {}).items()},
            described["CreatedDate"],
            described.get("LastRotatedDate"),
        )

    def publish(self, arn: str, endpoint: Endpoint, credential: Credential) -> str:
        """Make a credential the secret's current version, and return the version's id.

        Raises:
            SecretError: It cannot be written.
        """
        with _aws_errors_as(f"The secret {arn} cannot be written"):
            return self._client.put_secret_value(
                SecretId=arn, SecretString=_secret_string(endpoint, credential), VersionStages=[CURRENT]
            )["VersionId"]

    def put_pending(self, arn: str, version_id: str, endpoint: Endpoint, credential: Credential) -> None:
        """Give the version ``version_id`` its value, unless it has one already.

        Raises:
            SecretError: It cannot be written.
        """
        was_first = suppress(self._client.exceptions.ResourceExistsException)  # another attempt
        with _aws_errors_as(f"The secret {arn} cannot be written"), was_first:
            self._client.put_secret_value(
                SecretId=arn,
                ClientRequestToken=version_id,
                SecretString=_secret_string(endpoint, credential),
                VersionStages=[PENDING],
            )

    def make_current(self, arn: str, version_id: str, instead_of: str | None) -> None:
        """Move AWSCURRENT from one version to another, in one call.

        Secrets Manager removes AWSPENDING from the version itself; it would treat a call that removes it as a failed
        rotation. AWSPREVIOUS moves to the version that was current.
        https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html

        Raises:
            SecretError: It cannot be moved, most likely because ``instead_of`` no longer has it.
        """
        away = {} if instead_of is None else {"RemoveFromVersionId": instead_of}
        with _aws_errors_as(f"{CURRENT} of the secret {arn} cannot be moved to {version_id}"):
            self._client.update_secret_version_stage(
                SecretId=arn, VersionStage=CURRENT, MoveToVersionId=version_id, **away
            )

    def _read(self, arn: str, **which: str) -> LoginSecret | None:
        """Return a version's value; None if there is no such version, or no such secret."""
        with _aws_errors_as(f"The secret {arn} cannot be read"):
            try:
                value = self._client.get_secret_value(SecretId=arn, **which)
            except self._client.exceptions.ResourceNotFoundException:
                return None
        try:
            content = json.loads(value["SecretString"])
        except (KeyError, ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            version = " ".join(which.values())
            raise SecretError(
                f"Version {version} of the secret {arn} is not a JSON object, so it was not written by this function."
            )
        return LoginSecret(value["VersionId"], content)

    def _exists(self, arn: str) -> bool:
        with _aws_errors_as(f"The secret {arn} cannot be described"):
            try:
                self._client.describe_secret(SecretId=arn)
            except self._client.exceptions.ResourceNotFoundException:
                return False
        return True


def is_printable(value: object) -> bool:
    """Return True for text that every client can send as a password: printable ASCII, and not empty."""
    return isinstance(value, str) and value != "" and value.isascii() and value.isprintable()


def _secret_string(endpoint: Endpoint, credential: Credential) -> str:
    """Return the secret's JSON, with the keys that AWS's own rotation functions and clients expect."""
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


def master_credential(settings: Settings, store: SecretStore) -> Credential:
    """Return the master's credential: from its secret, or a token of the function's role, valid for 15 minutes.

    Raises:
        SecretError: It cannot be read.
    """
    if not settings.master_iam_user:
        return store.master(settings.master_secret_arn)
    import boto3  # noqa: PLC0415 - slow to import

    endpoint, user = settings.endpoint, settings.master_iam_user
    with _aws_errors_as(f"There is no IAM token for {user!r}"):
        return Credential(user, boto3.client("rds").generate_db_auth_token(endpoint.host, endpoint.port, user))


@functools.cache
def store_of_runtime() -> SecretStore:
    """Return the store with the credentials of the function's role; it is created once a process."""
    import boto3  # noqa: PLC0415 - slow to import, and not needed to refuse an event
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        connect_timeout=SDK_TIMEOUT_SECONDS,
        read_timeout=SDK_TIMEOUT_SECONDS,
        retries={"mode": "standard", "max_attempts": 5},
    )
    return SecretStore(boto3.client("secretsmanager", config=config))
