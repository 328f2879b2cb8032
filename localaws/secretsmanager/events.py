"""What Secrets Manager tells EventBridge: that a label has moved, and how a rotation went.

The first is its own event. The others come by way of CloudTrail, and in AWS only where a trail records the account.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/secret-event-notifications.html
https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.events.models import events_backends

from localaws.secretsmanager.versions import PENDING, PREVIOUS

if TYPE_CHECKING:
    from moto.secretsmanager.models import FakeSecret

SOURCE = "aws.secretsmanager"


def label_moved(secret: FakeSecret, label: str, version_id: str) -> None:
    """Say that a version got a label; AWS is silent about the pending and the previous one."""
    if label not in {PENDING, PREVIOUS}:
        detail = {"name": secret.name, "labelUpdated": label, "versionId": version_id}
        _put(secret, "Secret Label Updated", detail, [secret.arn])


def rotation_went(secret: FakeSecret, event_name: str, error: str = "") -> None:
    """Say how a rotation went.

    Args:
        secret: what was rotated.
        event_name: ``RotationSucceeded``, ``RotationFailed``, ``RotationAbandoned``, ``TestRotationFailed``.
        error: which step of which function failed; AWS says no more of the reason.
    """
    detail = {
        "eventSource": "secretsmanager.amazonaws.com",
        "eventName": event_name,
        "eventType": "AwsServiceEvent",
        "additionalEventData": {"SecretId": secret.arn},
        **({"errorMessage": error} if error else {}),
    }
    _put(secret, "AWS Service Event via CloudTrail", detail, [])


def _put(secret: FakeSecret, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
    entry = {"Source": SOURCE, "DetailType": detail_type, "Detail": json.dumps(detail), "Resources": resources}
    events_backends[secret.account_id][secret.region].put_events([entry])
