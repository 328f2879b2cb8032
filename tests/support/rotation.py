"""Secrets Manager as it rotates, with a test in the place of what invokes the function."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from moto.secretsmanager.models import secretsmanager_backends

from localaws.secretsmanager import secrets
from localaws.secretsmanager.rotation import Rotations
from tests.support.moto_server import MotoServer, moto_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from moto.secretsmanager.models import FakeSecret

FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:rotation"


class RotationsByHand(Rotations):
    """Starts nothing by itself."""

    def may_invoke(self, function_arn: str, secret_arn: str) -> bool:
        return True

    def start(self, secret: FakeSecret, token: str) -> None:
        pass

    def start_test(self, secret: FakeSecret, token: str) -> None:
        pass

    def finish(self, secret: FakeSecret, token: str) -> bool:
        """What follows a finishSecret that did not fail; whether the rotation is over."""
        return self._finish(secret, token)


class SecretsManager:
    """A running Secrets Manager.

    Attributes:
        client: boto3's.
        endpoint: its URL, for clients in other processes.
    """

    def __init__(self, server: MotoServer, rotations: RotationsByHand) -> None:
        self.client = server.client("secretsmanager")
        self.endpoint = server.context.settings.endpoint
        self._settings = server.context.settings
        self._rotations = rotations

    def begin(self, arn: str, **options: Any) -> str:
        """RotateSecret: a pending version without a value; its id, which is the token of every step."""
        token: str = self.client.rotate_secret(
            SecretId=arn, RotationLambdaARN=FUNCTION_ARN, RotationRules={"AutomaticallyAfterDays": 30}, **options
        )["VersionId"]
        return token

    def conclude(self, arn: str, token: str) -> None:
        """End a rotation that has done its four steps, as AWS does; it must have moved AWSCURRENT."""
        secret: Any = secretsmanager_backends[self._settings.account_id][self._settings.region].secrets[arn]
        assert self._rotations.finish(secret, token)

    def labels(self, arn: str) -> dict[str, list[str]]:
        """The labels of each version that has any."""
        found: dict[str, list[str]] = self.client.describe_secret(SecretId=arn)["VersionIdsToStages"]
        return found

    def holder(self, arn: str, label: str) -> str:
        """The version that carries a label."""
        return next(version_id for version_id, labels in self.labels(arn).items() if label in labels)


@contextmanager
def secrets_manager(directory: Path) -> Iterator[SecretsManager]:
    """An empty Secrets Manager on a port of its own."""
    with moto_server(directory) as server:
        service = secrets.install(server.context)
        service._rotations = rotations = RotationsByHand(server.context)
        try:
            yield SecretsManager(server, rotations)
        finally:
            service.stop()
