"""Whether a token lets somebody into a database: what RDS asks of IAM when a member of ``rds_iam`` logs in.

A token is a request that was signed beforehand (``generate_db_auth_token``), for one user at one address. It is good
for a quarter of an hour, if it was signed with a role's credentials that this AWS gave out, and if the role's policies
allow ``rds-db:connect`` on that user of that very instance. Tokens of IAM users are refused: their keys are the
administrator's here, whose calls are not judged.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlsplit

from moto.sts.models import sts_backends

from localaws.iam.evaluate import Request

if TYPE_CHECKING:
    from moto.sts.models import AssumedRole

    from localaws.iam.authorizer import Authorizer
    from localaws.settings import Settings

LIFETIME = timedelta(minutes=15)
CLOCK_SKEW = timedelta(minutes=5)
_ALGORITHM = "AWS4-HMAC-SHA256"
_SIGNATURE = "X-Amz-Signature"
_DATE_FORMAT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Endpoint:
    """What is being entered.

    Attributes:
        address: the instance's ``HOST:PORT``.
        resource_id: RDS's id of the instance.
        user: the login.
    """

    address: str
    resource_id: str
    user: str


class _RefusedError(Exception):
    """The token does not let anybody in; the message says why."""


def refusal(
    token: str, endpoint: Endpoint, settings: Settings, authorizer: Authorizer, now: datetime | None = None
) -> str | None:
    """Why ``token`` does not open ``door``; None if it does."""
    try:
        _check(token, endpoint, settings, authorizer, now or datetime.now(UTC))
    except _RefusedError as error:
        return str(error)
    return None


def _check(token: str, endpoint: Endpoint, settings: Settings, authorizer: Authorizer, now: datetime) -> None:
    try:
        address, said = urlsplit(f"//{token}").netloc, dict(parse_qsl(urlsplit(f"//{token}").query))
    except ValueError:
        raise _RefusedError("it is no token") from None
    if _SIGNATURE not in said:
        raise _RefusedError("it is no token")
    if address != endpoint.address:
        raise _RefusedError(f"it is for {address}")
    if said.get("Action") != "connect" or said.get("DBUser") != endpoint.user:
        raise _RefusedError("it is for another user or action")
    signed_at = _moment(said.get("X-Amz-Date", ""))
    if not -CLOCK_SKEW < now - signed_at < min(LIFETIME, _lifetime(said.get("X-Amz-Expires", ""))):
        raise _RefusedError("it has expired, or is from the future")
    key, _, scope = said.get("X-Amz-Credential", "").partition("/")
    if scope != f"{signed_at:%Y%m%d}/{settings.region}/rds-db/aws4_request":
        raise _RefusedError("it was signed for another service, region or day")
    session = _session(key, settings, now)
    if not hmac.compare_digest(said.get("X-Amz-Security-Token", ""), session.session_token):
        raise _RefusedError("it has another session's token")
    if not hmac.compare_digest(said[_SIGNATURE], _signature(address, said, scope, session.secret_access_key)):
        raise _RefusedError("its signature is wrong")
    arn = f"arn:aws:rds-db:{settings.region}:{settings.account_id}:dbuser:{endpoint.resource_id}/{endpoint.user}"
    decision = authorizer.allows(session.role_arn, Request("rds-db:connect", arn))
    if not decision.allowed:
        raise _RefusedError(f"{session.arn} may not rds-db:connect to {arn}, {decision.reason}")


def _moment(text: str) -> datetime:
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
        raise _RefusedError("its access key is no role's")
    if session.expiration.replace(tzinfo=UTC) < now:
        raise _RefusedError("the credentials that it was signed with have expired")
    return session


def _signature(address: str, said: dict[str, str], scope: str, secret_key: str) -> str:
    """Signature Version 4 of a request whose parameters stand in its query ("Signing AWS API requests")."""
    query = "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        for name, value in sorted(said.items())
        if name != _SIGNATURE
    )
    request = "\n".join(("GET", "/", query, f"host:{address}\n", "host", hashlib.sha256(b"").hexdigest()))
    to_sign = "\n".join((_ALGORITHM, said["X-Amz-Date"], scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()
