"""IAM database authentication: whether a token lets a member of ``rds_iam`` log in.

A token is a presigned request (``generate_db_auth_token``) for one user at one address. It is valid for 15 minutes, if
a role's temporary credentials of this AWS signed it and the role's policies allow ``rds-db:connect`` on that user of
that instance. Tokens of IAM users are refused: their keys are the administrator's here, whose calls are not authorized.
"""

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.sts.models import AssumedRole, sts_backends

from localaws.iam.authorizer import Authorizer
from localaws.iam.evaluate import Request
from localaws.settings import Settings

LIFETIME = timedelta(minutes=15)
CLOCK_SKEW = timedelta(minutes=5)
_SERVICE = "rds-db"
_SIGNATURE = "X-Amz-Signature"
_DATE_FORMAT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Endpoint:
    """The instance and login that a token must name.

    Attributes:
        address: the instance's ``HOST:PORT``.
        resource_id: RDS's id of the instance.
        user: the login.
    """

    address: str
    resource_id: str
    user: str


class _RefusedError(Exception):
    """The token is not valid; the message says why."""


def refusal(
    token: str, endpoint: Endpoint, settings: Settings, authorizer: Authorizer, now: datetime | None = None
) -> str | None:
    """Return why a token is refused; None if it is accepted."""
    try:
        _check(token, endpoint, settings, authorizer, now or datetime.now(UTC))
    except _RefusedError as error:
        return str(error)
    return None


def _check(token: str, endpoint: Endpoint, settings: Settings, authorizer: Authorizer, now: datetime) -> None:
    try:
        address, fields = urlsplit(f"//{token}").netloc, dict(parse_qsl(urlsplit(f"//{token}").query))
    except ValueError:
        raise _RefusedError("it is not a token") from None
    if _SIGNATURE not in fields:
        raise _RefusedError("it is not a token")
    if address != endpoint.address:
        raise _RefusedError(f"it is for {address}")
    if fields.get("Action") != "connect" or fields.get("DBUser") != endpoint.user:
        raise _RefusedError("it is for another user or action")
    signed_at = _time(fields.get("X-Amz-Date", ""))
    if not -CLOCK_SKEW < now - signed_at < min(LIFETIME, _lifetime(fields.get("X-Amz-Expires", ""))):
        raise _RefusedError("it has expired, or is from the future")
    key, _, scope = fields.get("X-Amz-Credential", "").partition("/")
    if scope != f"{signed_at:%Y%m%d}/{settings.region}/{_SERVICE}/aws4_request":
        raise _RefusedError("it was signed for another service, region or day")
    session = _session(key, settings, now)
    if not hmac.compare_digest(fields.get("X-Amz-Security-Token", ""), session.session_token):
        raise _RefusedError("it has another session's token")
    if not hmac.compare_digest(fields[_SIGNATURE], _signature(address, fields, session, settings.region)):
        raise _RefusedError("its signature is wrong")
    arn = f"arn:aws:{_SERVICE}:{settings.region}:{settings.account_id}:dbuser:{endpoint.resource_id}/{endpoint.user}"
    decision = authorizer.allows(session.role_arn, Request(f"{_SERVICE}:connect", arn))
    if not decision.allowed:
        raise _RefusedError(f"{session.arn} cannot {_SERVICE}:connect to {arn}, {decision.reason}")


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, _DATE_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise _RefusedError("it has no date") from None


def _lifetime(seconds: str) -> timedelta:
    if not re.fullmatch(r"[0-9]{1,6}", seconds):
        raise _RefusedError("it does not say when it expires")
    return timedelta(seconds=int(seconds))


def _session(key: str, settings: Settings, now: datetime) -> AssumedRole:
    session = sts_backends[settings.account_id]["aws"].get_assumed_role_from_access_key(key)
    if session is None:
        raise _RefusedError("its access key is not a role's")
    if session.expiration.replace(tzinfo=UTC) < now:
        raise _RefusedError("the credentials that it was signed with have expired")
    return session


def _signature(address: str, fields: dict[str, str], session: AssumedRole, region: str) -> str:
    """Return the Signature Version 4 of a request whose other parameters are in its query."""
    parameters = {name: value for name, value in fields.items() if name != _SIGNATURE}
    request = AWSRequest("GET", f"https://{address}/", params=parameters)
    request.context["timestamp"] = fields["X-Amz-Date"]
    signer = SigV4QueryAuth(Credentials(session.access_key_id, session.secret_access_key), _SERVICE, region)
    signature: str = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    return signature
