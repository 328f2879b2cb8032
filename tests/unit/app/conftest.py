"""Secrets Manager as botocore's stubs answer for it."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.stub import Stubber

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


@pytest.fixture
def aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture
def client(aws_environment: None) -> "SecretsManagerClient":
    return boto3.client("secretsmanager", region_name="eu-central-1")


@pytest.fixture
def stub(client: "SecretsManagerClient") -> Iterator[Stubber]:
    with Stubber(client) as stub:
        yield stub


@pytest.fixture
def add_version(stub: Stubber) -> Callable[..., None]:
    """Add the answer to the next read of ``arn``: the version with the label ``stage``, or none."""

    def add(arn: str, text: str | None, stage: str = "AWSCURRENT") -> None:
        expected = {"SecretId": arn, "VersionStage": stage}
        if text is None:
            stub.add_client_error("get_secret_value", "ResourceNotFoundException", expected_params=expected)
        else:
            stub.add_response("get_secret_value", {"SecretString": text, "VersionId": "a" * 32}, expected)

    return add
