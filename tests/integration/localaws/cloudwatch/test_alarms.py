"""The states of alarms. Their messages are in tests/e2e/rehearsal/test_deployment_under_faults.py."""

import json
from typing import Any

import pytest

from tests.support.local_aws import LocalAws, unique
from tests.support.waiting import wait_until


class Watched:
    """An alarm on a separate metric; a setting that is None is left out."""

    def __init__(self, aws: LocalAws, **settings: Any) -> None:
        self._cloudwatch = aws.client("cloudwatch")
        self.name = unique("alarm")
        wanted = {
            "AlarmName": self.name,
            "Namespace": "Cellar",
            "MetricName": "Broken",
            "Dimensions": [{"Name": "cellar", "Value": self.name}],
            "Statistic": "Maximum",
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 0,
            "Period": 3600,  # a minute
            "EvaluationPeriods": 1,
            **settings,
        }
        self._settings = {name: value for name, value in wanted.items() if value is not None}
        self.put()

    def put(self) -> None:
        self._cloudwatch.put_metric_alarm(**self._settings)

    def measure(self, value: float, cellar: str | None = None) -> None:
        dimensions = [{"Name": "cellar", "Value": cellar or self.name}]
        datum = {"MetricName": "Broken", "Dimensions": dimensions, "Value": value}
        self._cloudwatch.put_metric_data(Namespace="Cellar", MetricData=[datum])

    def described(self) -> dict[str, Any]:
        (alarm,) = self._cloudwatch.describe_alarms(AlarmNames=[self.name])["MetricAlarms"]
        found: dict[str, Any] = alarm
        return found

    @property
    def state(self) -> str:
        return str(self.described()["StateValue"])


def test_another_dimension_is_another_metric(aws: LocalAws) -> None:
    alarm = Watched(aws)
    alarm.measure(2, cellar="next door")
    assert alarm.state == "INSUFFICIENT_DATA"


def test_an_alarm_that_ignores_missing_data_keeps_its_state_also_when_it_is_changed_until_something_else_is_measured(
    aws: LocalAws,
) -> None:
    keeping, forgetting = (Watched(aws, TreatMissingData=way, Period=60) for way in ("ignore", "notBreaching"))
    keeping.measure(1)
    forgetting.measure(1)
    changes = [one["state"] for one in aws.journal("alarm.changed") if one["alarm"] == forgetting.name]
    assert "ALARM" in changes
    wait_until(lambda: forgetting.state == "OK")
    keeping.put()
    assert keeping.state == "ALARM"
    keeping.measure(0)
    assert keeping.state == "OK"


@pytest.mark.aws("EVENTS-19")
def test_an_alarm_that_is_set_off_by_hand_publishes_and_then_follows_its_metric_again(aws: LocalAws) -> None:
    topic, queue = aws.make_topic()
    alarm = Watched(aws, AlarmActions=[topic])
    alarm.measure(0)
    for _ in range(2):
        aws.client("cloudwatch").set_alarm_state(AlarmName=alarm.name, StateValue="ALARM", StateReason="A test")
    assert [json.loads(message)["NewStateReason"] for message in aws.messages(queue)] == ["A test"]
    assert alarm.state == "OK"


def test_an_alarm_of_another_kind_says_that_it_is_not_evaluated(aws: LocalAws) -> None:
    alarm = Watched(aws, ComparisonOperator="LessThanLowerOrGreaterThanUpperThreshold")
    alarm.measure(1)
    described = alarm.described()
    assert described["StateValue"] == "INSUFFICIENT_DATA"
    assert described["StateReason"].startswith("Only plain statistics")
