"""A missing rotation is noticed, for any reason."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from db_bootstrap.credentials.store import SecretState
from db_bootstrap.errors import UnexpectedError
from db_bootstrap.lambdas.handler import handler
from db_bootstrap.lambdas.overdue import overdue_reason

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


@pytest.mark.parametrize(
    ("rotates", "rotated", "made", "reason"),
    [
        pytest.param(True, days_ago(31.9), days_ago(400), None, id="in time"),
        pytest.param(True, None, days_ago(31.9), None, id="not due for the first time yet"),
        pytest.param(True, days_ago(32.1), days_ago(400), "the last was on 2026-10-22", id="too long ago"),
        pytest.param(True, None, days_ago(33), "it was never rotated", id="never"),
        pytest.param(False, days_ago(1), days_ago(400), "turned off", id="turned off"),
    ],
)
def test_a_rotation_is_overdue_when_it_is_too_long_ago_or_turned_off(
    rotates: bool, rotated: datetime | None, made: datetime, reason: str | None
) -> None:
    found = overdue_reason(SecretState(rotates, {}, made, rotated), timedelta(days=32), NOW)
    assert found is None if reason is None else reason in str(found)


def test_an_unexpected_error_leaves_a_handler_without_its_message(caplog: pytest.LogCaptureFixture) -> None:
    @handler("Check failed")
    def fail(event: dict[str, Any], _context: Any) -> dict[str, Any]:
        raise KeyError(event["secret"])

    names = ("function_name", "memory_limit_in_mb", "invoked_function_arn", "aws_request_id")
    with pytest.raises(UnexpectedError, match="Unexpected KeyError") as raised:
        fail({"secret": "hunter2"}, SimpleNamespace(**dict.fromkeys(names, "x")))  # type: ignore[arg-type]
    assert raised.value.__suppress_context__
    logged = str([vars(record) for record in caplog.records if record.levelname == "ERROR"])
    assert "in fail" in logged
    assert "hunter2" not in logged + str(raised.value)
