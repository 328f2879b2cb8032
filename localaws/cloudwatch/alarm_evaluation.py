"""Alarm evaluation: the state that follows from an alarm's settings and its metric's values. Pure: no clock, no moto.

As in CloudWatch, values are aggregated by period into data points. The evaluation range is a few periods longer than
the evaluation periods, so that late or sparse data still counts; the treatment of missing data matters only if there
are fewer data points than evaluation periods. The window slides: the newest period ends with the current minute.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html
"""

import ast
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

# CloudWatch does not say how many; its examples query five periods to evaluate three.
MORE_PERIODS_LOOKED_AT = 2


class State(StrEnum):
    """The answer of DescribeAlarms."""

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

_PERCENTILE = re.compile(r"p(\d+(?:\.\d+)?)")

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


# Of metric math: numbers, IDs of metrics, + - * / < >, and two functions. This part of the syntax is also Python's.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
_FUNCTIONS: Mapping[str, Callable[..., float | None]] = {
    "FILL": lambda value, replacement: replacement if value is None else value,
    "IF": lambda condition, then, otherwise: then if condition else otherwise,
}
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Lt, ast.Gt)
_SYNTAX = (ast.Expression, ast.BinOp, ast.Compare, ast.Call, ast.Constant, ast.Name, ast.Load, *_OPERATORS)


class UnknownExpressionError(Exception):
    """The expression, or the alarm, is of a kind that is not evaluated here."""


def aggregated(statistic: str, values: Sequence[float]) -> float:
    """Return the statistic of at least one value; ``p99`` is a percentile.

    Raises:
        UnknownExpressionError: The statistic is not emulated.
    """
    if statistic in STATISTICS:
        return STATISTICS[statistic](values)
    if not (percentile := _PERCENTILE.fullmatch(statistic)):
        raise UnknownExpressionError(statistic)
    return sorted(values)[max(0, math.ceil(len(values) * float(percentile[1]) / 100) - 1)]


@dataclass(frozen=True)
class Rule:
    """The condition under which an alarm fires.

    Attributes:
        comparison: a key of ``COMPARISONS``.
        period_seconds: the length of a period.
        evaluation_periods: how many data points are evaluated.
        datapoints_to_alarm: how many of them must breach the threshold.
        missing_data: ``missing``, ``ignore``, ``breaching`` or ``notBreaching``.
    """

    comparison: str
    threshold: float
    period_seconds: float
    evaluation_periods: int
    datapoints_to_alarm: int
    missing_data: str


def data_points(
    rule: Rule, statistic: str, values: Iterable[tuple[float, float]], now: float, minute_seconds: float = 60
) -> list[float | None]:
    """Return the data points of the evaluation range, oldest first, from (seconds, value) pairs.

    A missing one is None.
    """
    count = rule.evaluation_periods + MORE_PERIODS_LOOKED_AT
    end = (now // minute_seconds + 1) * minute_seconds
    periods: list[list[float]] = [[] for _ in range(count)]
    for timestamp, value in values:
        periods_ago = math.ceil((end - timestamp) / rule.period_seconds)
        if 1 <= periods_ago <= count:
            periods[-periods_ago].append(value)
    return [aggregated(statistic, period) if period else None for period in periods]


def state(rule: Rule, points: Sequence[float | None], current: State) -> State:
    """Return the state that follows from the data points of the evaluation range, oldest first."""
    evaluated = [point for point in points if point is not None][-rule.evaluation_periods :]
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


def evaluated(expression: str, values: Mapping[str, float | None]) -> float | None:
    """Return the value of ``expression`` in one period, from those of its metrics by ID; None is a missing data point.

    Raises:
        UnknownExpressionError: The expression contains something that is not emulated.
    """
    try:
        nodes = ast.parse(expression, mode="eval")
        if not all(isinstance(node, _SYNTAX) for node in ast.walk(nodes)):
            raise UnknownExpressionError(expression)
        result: float | None = eval(  # noqa: S307 - only the syntax above
            compile(nodes, "expression", "eval"), {"__builtins__": {}, **_FUNCTIONS}, dict(values)
        )
    except (SyntaxError, NameError) as error:
        raise UnknownExpressionError(expression) from error
    except (TypeError, ZeroDivisionError):  # from a missing data point
        return None
    return result
