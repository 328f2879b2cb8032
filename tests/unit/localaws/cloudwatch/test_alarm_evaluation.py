"""An alarm's state, by the tables of CloudWatch's guide ("Configuring how CloudWatch alarms treat missing data")."""

from dataclasses import replace

import pytest

from localaws.cloudwatch.alarm_evaluation import Rule, State, UnknownExpressionError, data_points, evaluated, state

RULE = Rule(
    comparison="GreaterThanThreshold",
    threshold=0,
    period_seconds=60,
    evaluation_periods=3,
    datapoints_to_alarm=3,
    missing_data="missing",
)
OK, ALARM, INSUFFICIENT, RETAINED = State.OK, State.ALARM, State.INSUFFICIENT_DATA, None


@pytest.mark.aws("EVENTS-10")
# X is a data point that breaches the threshold, 0 one that does not, - a missing one; the newest is the last.
@pytest.mark.parametrize(
    ("needed", "points", "expected"),
    [
        (3, "0 - X - X", (OK, OK, OK, OK)),
        (3, "- - - - 0", (OK, OK, OK, OK)),
        (3, "- - - - -", (INSUFFICIENT, RETAINED, ALARM, OK)),
        (3, "0 X X - X", (ALARM, ALARM, ALARM, ALARM)),
        (3, "- - X - -", (ALARM, RETAINED, ALARM, OK)),
        (2, "0 - X - X", (ALARM, ALARM, ALARM, ALARM)),
        (2, "0 0 X 0 X", (ALARM, ALARM, ALARM, ALARM)),
        (2, "0 - X - -", (OK, OK, ALARM, OK)),
        (2, "- - - - 0", (OK, OK, ALARM, OK)),
        (2, "- - - X -", (ALARM, RETAINED, ALARM, OK)),
    ],
)
def test_a_state_follows_from_the_data_points_that_there_are(
    needed: int, points: str, expected: tuple[State | None, ...]
) -> None:
    found = [None if point == "-" else float(point == "X") for point in points.split()]
    for treatment, wanted in zip(("missing", "ignore", "breaching", "notBreaching"), expected, strict=True):
        rule = replace(RULE, datapoints_to_alarm=needed, missing_data=treatment)
        for current in State:
            assert state(rule, found, current) == (wanted or current), f"{treatment}, {current} before"


@pytest.mark.parametrize(
    ("statistic", "point"),
    [
        ("Sum", 6.0),
        ("Average", 2.0),
        ("Minimum", 1.0),
        ("Maximum", 3.0),
        ("SampleCount", 3),
        ("p50", 2.0),
        ("p99", 3.0),
    ],
)
def test_the_values_of_a_period_become_one_data_point(statistic: str, point: float) -> None:
    values = [(600.0, 1.0), (630.0, 3.0), (659.9, 2.0)]
    assert data_points(RULE, statistic, values, now=661) == [None, None, None, point, None]


def test_two_more_periods_than_are_evaluated_are_read_and_none_of_the_future() -> None:
    values = [(minute * 60.0, float(minute)) for minute in range(12)]
    assert data_points(RULE, "Sum", values, now=9 * 60 + 1) == [5.0, 6.0, 7.0, 8.0, 9.0]


def test_an_hour_ends_with_the_current_minute() -> None:
    rule = replace(RULE, period_seconds=3600, evaluation_periods=1)
    values = [(minute * 60.0, 1.0) for minute in range(90)]
    assert data_points(rule, "Sum", values, now=89 * 60 + 59) == [None, 30.0, 60.0]


@pytest.mark.aws("EVENTS-16")
@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("100 * failed / reached", 5.0),
        ("desired - running", None),
        ("FILL(desired, 7) - running", 4.0),
        ("failed / 0", None),
        ("IF(failed > 4, (failed + 1) * 2, 0)", 12.0),
        ("IF(failed < 4, 1, 0)", 0.0),
    ],
)
def test_an_expression_is_evaluated_in_each_period(expression: str, value: float | None) -> None:
    assert evaluated(expression, {"failed": 5.0, "reached": 100.0, "desired": None, "running": 3.0}) == value


@pytest.mark.parametrize(
    "expression", ["METRICS()", "1 +", "SLICE(failed)", "__import__('os')", "failed ** 2", "other"]
)
def test_other_expressions_are_refused(expression: str) -> None:
    with pytest.raises(UnknownExpressionError):
        evaluated(expression, {"failed": 5.0})


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("GreaterThanThreshold", [2.0]),
        ("GreaterThanOrEqualToThreshold", [1.0, 2.0]),
        ("LessThanThreshold", [0.0]),
        ("LessThanOrEqualToThreshold", [0.0, 1.0]),
    ],
)
def test_a_comparison_is_against_the_threshold(comparison: str, breaching: list[float]) -> None:
    rule = replace(RULE, comparison=comparison, threshold=1, evaluation_periods=1, datapoints_to_alarm=1)
    assert [value for value in (0.0, 1.0, 2.0) if state(rule, [value], OK) is ALARM] == breaching
