"""Reading secrets from Secrets Manager."""

from collections.abc import Callable
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from app.aws import SecretError, SecretWithoutValueError, read_secret, secrets_client

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:taproom-dev-beers-app-AbCdEf"


@pytest.mark.parametrize("stage", ["AWSCURRENT", "AWSPREVIOUS"])
def test_the_version_with_the_staging_label_is_read(
    client: "SecretsManagerClient", add_version: Callable[..., None], stage: str
) -> None:
    add_version(ARN, "hidden", stage)
    assert read_secret(client, ARN, stage) == ("hidden", "a" * 32)


def test_a_binary_secret_has_no_text(client: "SecretsManagerClient", stub: Stubber) -> None:
    stub.add_response("get_secret_value", {"SecretBinary": b"hidden", "VersionId": "a" * 32})
    assert read_secret(client, ARN) == ("", "a" * 32)


@pytest.mark.parametrize(
    ("code", "says", "kind"),
    [
        ("ResourceNotFoundException", "has no value yet: apply Terraform", SecretWithoutValueError),
        ("AccessDeniedException", "role call secretsmanager:GetSecretValue", SecretError),
        ("ThrottlingException", "explains this code", SecretError),
    ],
)
def test_an_error_names_the_secret_the_code_and_the_remedy(
    client: "SecretsManagerClient", stub: Stubber, code: str, says: str, kind: type[SecretError]
) -> None:
    stub.add_client_error("get_secret_value", code)
    with pytest.raises(SecretError, match=says) as refused:
        read_secret(client, ARN)
    assert type(refused.value) is kind
    assert ARN in str(refused.value)
    assert code in str(refused.value)


def test_an_unreachable_secrets_manager_is_a_network_error() -> None:
    client = Mock(get_secret_value=Mock(side_effect=EndpointConnectionError(endpoint_url="https://secretsmanager")))
    with pytest.raises(SecretError, match="Check the network path to Secrets Manager"):
        read_secret(client, ARN)


@pytest.mark.usefixtures("aws_environment")
def test_the_region_comes_from_the_arn() -> None:
    assert secrets_client(ARN, read_timeout_seconds=1).meta.region_name == "eu-central-1"
