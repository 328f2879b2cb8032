"""What Secrets Manager answers about the write token, and what is made of it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from app.api.token_secret import read_tokens, token_reader
from app.api.write_token import TokenError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:taproom-dev/service/write-token-AbCdEf"
OLD, NEW = "the-old-token-0123456789", "the-new-token-0123456789"


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


def answer(stub: Stubber, stage: str, value: str | None) -> None:
    asked = {"SecretId": ARN, "VersionStage": stage}
    if value is None:
        stub.add_client_error("get_secret_value", "ResourceNotFoundException", expected_params=asked)
    else:
        stub.add_response("get_secret_value", {"SecretString": value, "VersionId": "a" * 32}, asked)


def test_the_present_token_and_the_one_before_are_read(client: "SecretsManagerClient", stub: Stubber) -> None:
    answer(stub, "AWSCURRENT", NEW)
    answer(stub, "AWSPREVIOUS", OLD)
    assert read_tokens(client, ARN) == (NEW, OLD)


def test_the_first_token_has_none_before_it(client: "SecretsManagerClient", stub: Stubber) -> None:
    answer(stub, "AWSCURRENT", NEW)
    answer(stub, "AWSPREVIOUS", None)
    assert read_tokens(client, ARN) == (NEW,)


def test_a_secret_without_a_value_says_so(client: "SecretsManagerClient", stub: Stubber) -> None:
    answer(stub, "AWSCURRENT", None)
    answer(stub, "AWSPREVIOUS", None)
    with pytest.raises(TokenError, match="has no value yet: apply Terraform"):
        read_tokens(client, ARN)


@pytest.mark.parametrize(
    "value", ["hidden", "hidden" * 40, '{"token": "hidden-hidden-hidden"}', "hidden hidden hidden"]
)
def test_what_is_no_token_is_refused_without_being_shown(
    client: "SecretsManagerClient", stub: Stubber, value: str
) -> None:
    answer(stub, "AWSCURRENT", value)
    answer(stub, "AWSPREVIOUS", None)
    with pytest.raises(TokenError, match="is no bearer token") as refused:
        read_tokens(client, ARN)
    assert "hidden" not in str(refused.value)


def test_a_refusal_says_what_to_do(client: "SecretsManagerClient", stub: Stubber) -> None:
    stub.add_client_error("get_secret_value", "AccessDeniedException")
    with pytest.raises(TokenError, match=r"\(AccessDeniedException\)\. Let this task's role call"):
        read_tokens(client, ARN)


def test_a_secrets_manager_out_of_reach_says_where_to_look(
    client: "SecretsManagerClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(**_: str) -> None:
        raise EndpointConnectionError(endpoint_url="https://secretsmanager")

    monkeypatch.setattr(client, "get_secret_value", unreachable)
    with pytest.raises(TokenError, match="Check the way to it"):
        read_tokens(client, ARN)


def test_the_region_comes_from_the_arn() -> None:
    # Without a region boto3 refuses to make a client at all.
    assert callable(token_reader(ARN))
