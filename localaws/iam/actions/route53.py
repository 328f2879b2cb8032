"""Route 53: hosted zones, and the records of a change by their normalized names.

https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-conditions-route53.html
"""

import re
from collections.abc import Mapping
from typing import Any

from localaws.iam.actions.context import RequestContext
from localaws.iam.evaluate import Request

_ESCAPED = re.compile(r"[^a-z0-9\-_.\\]")


def route53(operation: str, parameters: Mapping[str, Any], _ctx: RequestContext) -> list[Request]:
    """Return a request for the hosted zone or the change, with the records that it changes."""
    action = f"route53:{operation}"
    zone = parameters.get("HostedZoneId") or parameters.get("ResourceId") or parameters.get("Id")
    if zone is None:
        return [Request(action, "*")]
    changes = (parameters.get("ChangeBatch") or {}).get("Changes") or []
    records = [change["ResourceRecordSet"] for change in changes]
    keys = {
        "NormalizedRecordNames": (_normalized(record["Name"]) for record in records),
        "RecordTypes": (record["Type"] for record in records),
        "Actions": (change["Action"] for change in changes),
    }
    context = {f"route53:ChangeResourceRecordSets{key}": tuple(sorted({*values})) for key, values in keys.items()}
    kind = "change" if operation == "GetChange" else "hostedzone"
    return [Request(action, f"arn:aws:route53:::{kind}/{zone.rpartition('/')[2]}", context if changes else {})]


def _normalized(name: str) -> str:
    """Return a record's name in lower case, without the dot at its end, with octal escapes of other characters."""
    return _ESCAPED.sub(lambda found: f"\\{ord(found[0]):03o}", name.lower().removesuffix("."))
