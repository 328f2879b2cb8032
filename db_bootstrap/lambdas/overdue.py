"""The function that notices a rotation that did not come.

Secrets Manager tells of rotations that failed, and only where a CloudTrail trail records the account; of one that was
never tried, because its schedule is gone or its function may not be invoked, nobody tells. CloudWatch does not know how
old a secret is. So a schedule has this function ask, and an alarm reads the metric that it prints. It reads no secret's
value, and has no way to the database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from db_bootstrap.credentials.store import LastRotation, store_of_runtime
from db_bootstrap.errors import BootstrapError, EventError
from db_bootstrap.lambdas import metrics

logger = Logger()

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class WatchEvent:
    """What the schedule asks for.

    Attributes:
        overdue_after: How old a credential may become, by the ARN of its secret.
    """

    overdue_after: dict[str, timedelta]

    @classmethod
    def parse(cls, event: object) -> "WatchEvent":
        """Check an event.

        Raises:
            EventError: It is not one.
        """
        days = event.get("overdue_after_days") if isinstance(event, Mapping) else None
        if not isinstance(days, Mapping) or not all(isinstance(count, int) and count > 0 for count in days.values()):
            raise EventError(
                "The event must have overdue_after_days: a number of days, 1 or more, by the ARN of each secret."
            )
        return cls({arn: count * _ONE_DAY for arn, count in days.items()})


def reason_to_worry(rotation: LastRotation, overdue_after: timedelta, now: datetime) -> str | None:
    """Why a secret's rotation is overdue; None if it is not."""
    if not rotation.rotates:
        return "its rotation is turned off"
    since = rotation.rotated or rotation.made
    if now - since <= overdue_after:
        return None
    never = "" if rotation.rotated else ", when it was made: it was never rotated"
    return f"it is due every {overdue_after.days} days at the latest, and the last was on {since:%Y-%m-%d}{never}"


@logger.inject_lambda_context(clear_state=True)
def watch(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Count the secrets whose rotation is overdue, as the metric ``OverdueRotations``.

    Returns:
        Why, by the ARN of each secret that is overdue.

    Raises:
        BootstrapError: A secret cannot be asked about; nothing was counted.
    """
    try:
        asked = WatchEvent.parse(event)
        store, now = store_of_runtime(), datetime.now(UTC)
        reasons = {
            arn: reason_to_worry(store.last_rotation(arn), overdue_after, now)
            for arn, overdue_after in asked.overdue_after.items()
        }
    except BootstrapError as error:
        # Without a traceback: the message is made for its reader, and Lambda adds the trace to its own record.
        logger.error("Not done", error=type(error).__name__, reason=str(error))  # noqa: TRY400
        raise
    overdue = {arn: reason for arn, reason in reasons.items() if reason}
    for arn, reason in overdue.items():
        logger.warning("A rotation is overdue", secret_arn=arn, reason=reason)
    metrics.record_overdue_rotations(len(overdue))
    return {"overdue": overdue}
