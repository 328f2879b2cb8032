"""The function that counts overdue rotations, on a schedule.

Secrets Manager reports failed rotations only through a CloudTrail trail. Nothing reports a rotation that never started,
because its schedule is gone or its function cannot be invoked, and CloudWatch does not know the age of a secret. So
this function checks it, and prints a metric for an alarm. It reads no secret's value, and has no network path to the
database.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from db_bootstrap.credentials.store import SecretState, store_of_runtime
from db_bootstrap.errors import EventError
from db_bootstrap.lambdas import metrics
from db_bootstrap.lambdas.handler import handler, logger
from db_bootstrap.values import dataclass

_ONE_DAY = timedelta(days=1)
_MAXIMUM_DAYS = 10_000  # Secrets Manager rotates after 1,000 at the latest


@dataclass(frozen=True)
class WatchEvent:
    """The event with which the schedule invokes the function.

    Attributes:
        overdue_after: The maximum age of a credential, by the ARN of its secret.
    """

    overdue_after: dict[str, timedelta]

    @classmethod
    def parse(cls, event: object) -> "WatchEvent":
        """Validate an event.

        Raises:
            EventError: It is invalid.
        """
        days = event.get("overdue_after_days") if isinstance(event, Mapping) else None
        if not isinstance(days, Mapping) or not all(
            isinstance(count, int) and 0 < count <= _MAXIMUM_DAYS for count in days.values()
        ):
            raise EventError(
                f"The event must have overdue_after_days: from 1 to {_MAXIMUM_DAYS} days by the ARN of each secret."
            )
        return cls({arn: count * _ONE_DAY for arn, count in days.items()})


def overdue_reason(secret: SecretState, overdue_after: timedelta, now: datetime) -> str | None:
    """Return why a secret's rotation is overdue; None if it is not."""
    if not secret.rotates:
        return "its rotation is turned off"
    since = secret.rotated or secret.created
    if now - since <= overdue_after:
        return None
    never = "" if secret.rotated else ", when it was created: it was never rotated"
    return f"it is due every {overdue_after.days} days at the latest, and the last was on {since:%Y-%m-%d}{never}"


@handler("Check for overdue rotations failed")
def watch(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Count the secrets whose rotation is overdue, as the metric ``OverdueRotations``.

    Returns:
        The reason, by the ARN of each overdue secret.

    Raises:
        BootstrapError: A secret cannot be described; nothing was counted.
    """
    request = WatchEvent.parse(event)
    store, now = store_of_runtime(), datetime.now(UTC)
    reasons = {arn: overdue_reason(store.state(arn), after, now) for arn, after in request.overdue_after.items()}
    overdue = {arn: reason for arn, reason in reasons.items() if reason}
    for arn, reason in overdue.items():
        logger.warning("Overdue rotation detected", secret_arn=arn, reason=reason)
    metrics.record_overdue_rotations(len(overdue))
    return {"overdue": overdue}
