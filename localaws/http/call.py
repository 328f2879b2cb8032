"""An API call and its answer as values: what all middleware between the socket and moto works with.

A request is read and parsed once, with botocore's description of the service. The journal, the authorizer and the
replay use AWS's names of operations and parameters, in any wire format. Errors of the local AWS itself are
written in the format of the called service.
"""

import io
import json
import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from botocore.exceptions import UnknownServiceError
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from moto.moto_server.werkzeug_app import BackendRequest
from werkzeug.exceptions import HTTPException

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
WsgiApplication = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

# A request is signed for a service by a name that is not always the one botocore files its description under.
SERVICE_BY_SIGNING_NAME = {
    "elasticloadbalancing": "elbv2",
    "monitoring": "cloudwatch",
    "tagging": "resourcegroupstaggingapi",
}
S3_CONTROL_PATH = "/v20180820/"

_CREDENTIAL = re.compile(r"Credential=([^/\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")


@dataclass(frozen=True)
class ApiCall:
    """One request to the API, parsed.

    Attributes:
        service: botocore's name of the service (``secretsmanager``, ``elbv2``), or ``-`` for an unsigned call.
        operation: AWS's name of the operation, or method and path where botocore does not know any.
        parameters: the operation's input by AWS's names; empty if it could not be parsed.
        access_key_id: who signed the call; empty if unsigned.
        protocol: the wire format: ``json``, ``rest-json``, ``query``, ``ec2`` or ``rest-xml``.
        idempotency_token: what marks a retry: the client token, if the operation has one, or the SDK's own number.
        environ: the WSGI environment; its input can be read once more.
        body: the request's body.
        region: for which the call was signed; empty if unsigned.
    """

    service: str
    operation: str
    parameters: dict[str, Any]
    access_key_id: str
    protocol: str
    idempotency_token: str | None
    environ: dict[str, Any] = field(repr=False)
    body: bytes = field(repr=False)
    region: str = ""

    @property
    def is_read(self) -> bool:
        """Return whether the operation's name is that of one that changes nothing."""
        return _is_read(self.operation)


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)


def read_call(environ: dict[str, Any]) -> ApiCall:
    """Read a request to its end and say what it asks for. Never fails: what is not known stays general."""
    body = _read_body(environ)
    # werkzeug's development server names the raw path so; moto tells "a%2Fb" from "a/b" by it.
    environ["RAW_URI"] = environ.get("REQUEST_URI") or environ.get("PATH_INFO", "/")
    access_key_id, region, signing_name = _signed_by(environ)
    service = SERVICE_BY_SIGNING_NAME.get(signing_name, signing_name)
    if service == "s3" and environ.get("PATH_INFO", "").startswith(S3_CONTROL_PATH):
        service = "s3control"
    operation, parameters, protocol, token = _parse(service, environ, body)
    environ["wsgi.input"] = io.BytesIO(body)
    token = token or _invocation(operation, environ)
    return ApiCall(service, operation, parameters, access_key_id, protocol, token, environ, body, region)


def _invocation(operation: str, environ: dict[str, Any]) -> str | None:
    """Return the id that an SDK gives all attempts of one mutating call, if it sends one.

    AWS loses no answers to speak of; on a busy machine, one to this program may be lost. The repeated call would then
    be refused because its resource exists already.
    """
    return None if _is_read(operation) else environ.get("HTTP_AMZ_SDK_INVOCATION_ID")


def _is_read(operation: str) -> bool:
    return operation.startswith(("Describe", "Get", "List", "Head"))


def call_wsgi(application: WsgiApplication, call: ApiCall) -> Answer:
    """Hand a call to a WSGI application and collect its answer."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _exc_info: object = None) -> None:
        started.append((status, headers))

    call.environ["wsgi.input"] = io.BytesIO(call.body)
    chunks = application(call.environ, start_response)
    try:
        body = b"".join(chunks)
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    status, headers = started[-1]
    return Answer(int(status.split(" ", 1)[0]), tuple(headers), body)


def json_answer(status: int, value: object) -> Answer:
    """Return a JSON response, for endpoints outside of the AWS API."""
    return Answer(status, (("Content-Type", "application/json"),), json.dumps(value, default=str, indent=1).encode())


def error_answer(call: ApiCall, status: int, code: str, message: str) -> Answer:
    """Return an error in the wire format of the called service, so that SDKs find its code and message."""
    request_id = str(uuid.uuid4())
    xml_error = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if call.protocol == "ec2":
        xml = f"<Response><Errors><Error>{xml_error}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    elif call.service == "s3":
        xml = f"<Error>{xml_error}<RequestId>{request_id}</RequestId></Error>"
    elif call.protocol in {"query", "rest-xml"}:
        xml = (
            f"<ErrorResponse><Error><Type>Sender</Type>{xml_error}</Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    else:
        return _json_error(call, status, code, message, request_id)
    body = b'<?xml version="1.0" encoding="UTF-8"?>\n' + xml.encode()
    return Answer(status, (("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id)), body)


def _json_error(call: ApiCall, status: int, code: str, message: str, request_id: str) -> Answer:
    content_type = "application/json" if call.protocol == "rest-json" else "application/x-amz-json-1.1"
    headers = (
        ("Content-Type", content_type),
        ("x-amzn-ErrorType", code),
        ("x-amzn-RequestId", request_id),
    )
    body = json.dumps({"__type": code, "message": message, "Message": message})
    return Answer(status, headers, body.encode())


def _read_body(environ: dict[str, Any]) -> bytes:
    if environ.pop("HTTP_TRANSFER_ENCODING", None):
        body: bytes = environ["wsgi.input"].read()
    else:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["CONTENT_LENGTH"] = str(len(body))
    return body


def _signed_by(environ: dict[str, Any]) -> tuple[str, str, str]:
    match = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    return (match[1], match[2], match[3]) if match else ("", "", "-")


def _parse(service: str, environ: dict[str, Any], body: bytes) -> tuple[str, dict[str, Any], str, str | None]:
    unknown = f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '/')}"
    target: str = environ.get("HTTP_X_AMZ_TARGET", "")
    fallback_operation = target.rpartition(".")[2] or unknown
    fallback_protocol = "json" if target else "query"
    try:
        model = get_service_model(service)
    except UnknownServiceError:
        return fallback_operation, {}, fallback_protocol, None
    environ["wsgi.input"] = io.BytesIO(body)
    request = BackendRequest(environ)
    try:
        protocol = determine_request_protocol(model, request.content_type)
        operation, labels = get_service_router(service).match(request)
    except (HTTPException, NotImplementedError):
        return fallback_operation, {}, fallback_protocol, None
    parser = PROTOCOL_PARSERS.get(protocol)
    if parser is None:
        return operation.name, {}, protocol, None
    try:
        parameters = parser(operation).parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": request.data,
                "url_path": request.path,
                "url_params": labels,
            }
        )
    except Exception:  # noqa: BLE001 - a malformed request is moto's to refuse, with AWS's own error
        return operation.name, {}, protocol, None
    tokens = [parameters[name] for name in operation.idempotent_members if parameters.get(name)]
    return operation.name, dict(parameters), protocol, (str(tokens[0]) if tokens else None)
