"""The local AWS is closed to all but the run that started it: other hosts, web pages and unknown access keys."""

import http.client
import re

import pytest
from botocore.exceptions import ClientError

from rehearsal.aws import aws_client
from tests.support.local_aws import LocalAws

LIST_SECRETS = {"X-Amz-Target": "secretsmanager.ListSecrets", "Content-Type": "application/x-amz-json-1.1"}


def send(aws: LocalAws, method: str, path: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    address = aws.endpoint.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request(method, path, body="{}" if method == "POST" else None, headers={"Host": address, **headers})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


@pytest.mark.parametrize("path", ["/", "/_rehearsal/status", "/moto-api/data.json"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:80"},
        {"Host": "127.0.0.1:1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
def test_a_request_to_another_host_or_from_a_page_is_misdirected(
    aws: LocalAws, path: str, headers: dict[str, str]
) -> None:
    response = send(aws, "POST", path, {**aws.authorization, **headers})
    assert response.status == 421
    assert not [name for name in response.headers if name.lower().startswith("access-control")]


def test_a_preflight_request_gets_no_cors_headers(aws: LocalAws) -> None:
    response = send(aws, "OPTIONS", "/", {"Access-Control-Request-Method": "POST", **LIST_SECRETS})
    assert not [name for name in response.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("path", ["status", "resources", "faults", "schedules/x/invoke"])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}], ids=str)
def test_administration_requires_the_key_of_the_run(aws: LocalAws, path: str, headers: dict[str, str]) -> None:
    method = "GET" if path in {"status", "resources"} else "POST"
    assert send(aws, method, f"/_rehearsal/{path}", headers).status == 401
    assert aws.ask("status")[0] == 200


@pytest.mark.aws("LOCAL-1")
@pytest.mark.parametrize(
    ("service", "operation", "status", "code"),
    [
        ("sts", "get_caller_identity", 403, "InvalidClientTokenId"),
        ("ec2", "describe_vpcs", 401, "AuthFailure"),
        ("secretsmanager", "list_secrets", 400, "UnrecognizedClientException"),
        ("lambda", "list_functions", 403, "UnrecognizedClientException"),
        ("s3", "list_buckets", 403, "InvalidAccessKeyId"),
    ],
)
def test_an_unknown_access_key_is_refused_with_the_error_of_the_service(
    aws: LocalAws, service: str, operation: str, status: int, code: str
) -> None:
    client = aws_client(aws, service, aws_access_key_id="test", aws_secret_access_key="test")
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)()
    answer = refused.value.response
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (status, code)


@pytest.mark.aws("LOCAL-2")
def test_an_unsigned_request_is_refused(aws: LocalAws) -> None:
    assert send(aws, "POST", "/", LIST_SECRETS).status == 403
    assert send(aws, "GET", "/moto-api/data.json", {}).status == 403


def test_the_key_of_a_run_is_stored_for_its_owner_alone_with_all_that_an_sdk_needs(aws: LocalAws) -> None:
    file = aws.directory / "aws.env"
    assert file.stat().st_mode & 0o777 == 0o600
    exported = file.read_text()
    assert f"export AWS_ENDPOINT_URL={aws.endpoint}\n" in exported
    assert {"AWS_REGION", "AWS_DEFAULT_REGION"} <= set(re.findall(r"export (\w+)=us-east-1\n", exported))
