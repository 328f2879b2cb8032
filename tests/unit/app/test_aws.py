"""What Secrets Manager answers, and what is made of it."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from app.aws import read_secret, secret_reader
from app.database.credentials import Credential, CredentialError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:taproom-dev-beers-app-AbCdEf"
ASKED = {"SecretId": ARN, "VersionStage": "AWSCURRENT"}
VERSION = "a" * 32


@pytest.fixture(autouse=True)
def no_real_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_CA_BUNDLE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture
def client() -> "SecretsManagerClient":
    return boto3.client("secretsmanager", region_name="eu-central-1")


@pytest.fixture
def stub(client: "SecretsManagerClient") -> Iterator[Stubber]:
    with Stubber(client) as stub:
        yield stub


def test_the_current_version_is_read(client: "SecretsManagerClient", stub: Stubber) -> None:
    value = {"host": "db", "port": 5432, "dbname": "beers", "username": "app_a", "password": "hidden"}
    stub.add_response("get_secret_value", {"SecretString": json.dumps(value), "VersionId": VERSION}, ASKED)
    assert read_secret(client, ARN) == Credential("db", 5432, "beers", "app_a", "hidden", VERSION)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("ResourceNotFoundException", "has no value yet: apply Terraform"),
        ("AccessDeniedException", "role call secretsmanager:GetSecretValue"),
        ("ThrottlingException", "explains this code"),
    ],
)
def test_a_refusal_says_what_to_do(client: "SecretsManagerClient", stub: Stubber, code: str, says: str) -> None:
    stub.add_client_error("get_secret_value", code, expected_params=ASKED)
    with pytest.raises(CredentialError, match=says) as refused:
        read_secret(client, ARN)
    assert ARN in str(refused.value)
    assert code in str(refused.value)


def test_a_secret_of_bytes_is_no_credential(client: "SecretsManagerClient", stub: Stubber) -> None:
    stub.add_response("get_secret_value", {"SecretBinary": b"hidden", "VersionId": VERSION}, ASKED)
    with pytest.raises(CredentialError, match="is not JSON"):
        read_secret(client, ARN)


def test_a_secrets_manager_out_of_reach_says_where_to_look(
    client: "SecretsManagerClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(**_: str) -> None:
        raise EndpointConnectionError(endpoint_url="https://secretsmanager")

    monkeypatch.setattr(client, "get_secret_value", unreachable)
    with pytest.raises(CredentialError, match="Check the way to Secrets Manager"):
        read_secret(client, ARN)


def test_the_region_comes_from_the_arn() -> None:
    # Without a region boto3 refuses to make a client at all.
    assert callable(secret_reader(ARN))
