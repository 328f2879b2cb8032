"""Alarm evaluation: the state that follows from an alarm's settings and its metric's values. Pure: no clock, no moto.

As in CloudWatch, values are aggregated by period into data points. The evaluation range is a few periods longer than
the evaluation periods, so that late or sparse data still counts; the treatment of missing data matters only if there
are fewer data points than evaluation periods. Periods begin at whole multiples of their length.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

# CloudWatch does not say how many; its own examples look at five periods to evaluate three.
MORE_PERIODS_LOOKED_AT = 2


class State(StrEnum):
    """What DescribeAlarms answers."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Sum": sum,
    "Average": lambda values: sum(values) / len(values),
    "Minimum": min,
    "Maximum": max,
    "SampleCount": len,
}

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True)
class Rule:
    """When an alarm is to go off.

    Attributes:
        statistic: a key of ``STATISTICS``.
        comparison: a key of ``COMPARISONS``.
        period_seconds: the length of a period.
        evaluation_periods: how many data points are evaluated.
        datapoints_to_alarm: how many of them must breach the threshold.
        missing_data: ``missing``, ``ignore``, ``breaching`` or ``notBreaching``.
    """

    statistic: str
    comparison: str
    threshold: float
    period_seconds: float
    evaluation_periods: int
    datapoints_to_alarm: int
    missing_data: str


def data_points(rule: Rule, values: Iterable[tuple[float, float]], now: float) -> list[float]:
    """Return the existing data points in the evaluation range, oldest first, from (seconds, value) pairs."""
    newest = int(now // rule.period_seconds)
    oldest = newest - rule.evaluation_periods - MORE_PERIODS_LOOKED_AT + 1
    periods: dict[int, list[float]] = {}
    for timestamp, value in values:
        period = int(timestamp // rule.period_seconds)
        if oldest <= period <= newest:
            periods.setdefault(period, []).append(value)
    return [STATISTICS[rule.statistic](periods[period]) for period in sorted(periods)]


def state(rule: Rule, points: Sequence[float], current: State) -> State:
    """Return the state that follows from the existing data points, oldest first."""
    evaluated = points[-rule.evaluation_periods :]
    missing = rule.evaluation_periods - len(evaluated)
    breaching = sum(COMPARISONS[rule.comparison](point, rule.threshold) for point in evaluated)
    within = len(evaluated) - breaching
    if breaching + (missing if rule.missing_data == "breaching" else 0) >= rule.datapoints_to_alarm:
        return State.ALARM
    if within or not missing or rule.missing_data in {"breaching", "notBreaching"}:
        return State.OK
    if rule.missing_data == "ignore":
        return current
    return State.ALARM if breaching else State.INSUFFICIENT_DATA
