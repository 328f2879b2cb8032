"""Requests are understood in any wire format."""

import io
from typing import Any

import pytest

from localaws.http.call import read_call


def environ(
    service: str, *, method: str = "POST", path: str = "/", query: str = "", body: bytes = b"", **headers: str
) -> dict[str, Any]:
    signature = f"AWS4-HMAC-SHA256 Credential=KEY/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host"
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "REQUEST_URI": path,
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": signature,
        "HTTP_HOST": "127.0.0.1:4566",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "4566",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        **headers,
    }


@pytest.mark.parametrize(
    ("request_environ", "service", "operation", "protocol"),
    [
        pytest.param(environ("brewery", path="/x"), "brewery", "POST /x", "query", id="an unknown service"),
        pytest.param(environ("ecs", HTTP_X_AMZ_TARGET="V2.Brew"), "ecs", "Brew", "json", id="an unknown operation"),
        pytest.param(
            environ(
                "ecs",
                body=b"{nonsense",
                HTTP_X_AMZ_TARGET="AmazonEC2ContainerServiceV20141113.ListClusters",
                CONTENT_TYPE="application/x-amz-json-1.1",
            ),
            "ecs",
            "ListClusters",
            "json",
            id="a malformed body",
        ),
    ],
)
def test_what_is_not_understood_has_no_parameters(
    request_environ: dict[str, Any], service: str, operation: str, protocol: str
) -> None:
    call = read_call(request_environ)
    assert (call.service, call.operation, call.parameters, call.protocol) == (service, operation, {}, protocol)
    assert call.access_key_id == "KEY"


def test_the_body_can_be_read_again_after_a_chunked_transfer() -> None:
    chunked = environ("s3", method="PUT", path="/b/k", HTTP_TRANSFER_ENCODING="chunked")
    chunked["wsgi.input"] = io.BytesIO(b"whole")
    call = read_call(chunked)
    assert (call.body, call.environ["wsgi.input"].read(), call.environ["CONTENT_LENGTH"]) == (b"whole", b"whole", "5")
    assert "HTTP_TRANSFER_ENCODING" not in call.environ


def test_a_read_does_not_use_the_sdks_number() -> None:
    attempt = environ("ecs", HTTP_X_AMZ_TARGET="V2.ListBeers", HTTP_AMZ_SDK_INVOCATION_ID="all attempts")
    assert read_call(attempt).idempotency_token is None
