"""IAM tokens: a new one for each connection, valid for one login at one host."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest

from app.aws import SecretError
from app.database.credentials import Credential
from app.database.rds_token import TOKEN_SECONDS, token_signer

LOGIN = Credential("db.example", 5432, "beers", "beers_app", "")


@pytest.fixture(autouse=True)
def no_real_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


def test_a_token_is_valid_for_one_login_one_host_and_15_minutes() -> None:
    credential = token_signer(LOGIN, "eu-central-1")()
    token = urlsplit(f"https://{credential.password}")
    query = parse_qs(token.query)
    assert token.netloc == "db.example:5432"
    assert (query["Action"], query["DBUser"], query["X-Amz-Expires"]) == (["connect"], ["beers_app"], ["900"])
    assert query["X-Amz-Credential"][0].startswith("AKIDTEST/")
    assert query["X-Amz-Credential"][0].endswith("/eu-central-1/rds-db/aws4_request")
    assert (credential.host, credential.username, credential.version) == (LOGIN.host, LOGIN.username, "AKIDTEST")
    assert credential.expires_at - time.monotonic() <= TOKEN_SECONDS < 900


def test_signing_without_a_role_is_an_error_that_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SecretError, match=r"beers_app.*NoCredentials.*task role"):
        token_signer(LOGIN, "eu-central-1")()
