"""Log lines and invocations become metrics, as CloudWatch makes them."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from localaws.cloudwatch.metrics import MetricDatum, embedded_metrics
from tests.support.local_aws import LocalAws, unique

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def line(**fields: Any) -> dict[str, Any]:
    directive = {
        "Namespace": "Cellar",
        "Dimensions": [["service"]],
        "Metrics": [{"Name": "Bottles", "Unit": "Count"}],
    }
    return {
        "_aws": {"Timestamp": int(AT.timestamp() * 1000), "CloudWatchMetrics": [directive]},
        "service": "cellar",
        "Bottles": [0.0],
        **fields,
    }


@pytest.mark.aws("EVENTS-11")
def test_a_line_in_the_embedded_metric_format_is_metric_data() -> None:
    assert list(embedded_metrics(json.dumps(line()))) == [
        MetricDatum("Cellar", "Bottles", 0.0, (("service", "cellar"),), "Count", AT)
    ]


def test_each_value_and_each_set_of_dimensions_is_a_datum() -> None:
    document = line(Bottles=[1, 2], shelf="top")
    document["_aws"]["CloudWatchMetrics"][0]["Dimensions"] = [["service"], ["service", "shelf"]]
    found = list(embedded_metrics(json.dumps(document)))
    assert [(datum.value, dict(datum.dimensions)) for datum in found] == [
        (1.0, {"service": "cellar"}),
        (2.0, {"service": "cellar"}),
        (1.0, {"service": "cellar", "shelf": "top"}),
        (2.0, {"service": "cellar", "shelf": "top"}),
    ]


@pytest.mark.parametrize("text", ["Served.", '{"message": "_aws"}', '{"_aws": {}}', '["_aws"]', '{"_aws"'])
def test_any_other_line_is_none(text: str) -> None:
    assert list(embedded_metrics(text)) == []


@pytest.mark.parametrize("name", ["Bottles", "service"])
def test_a_line_that_lacks_what_it_announces_is_not_understood(name: str) -> None:
    document = line()
    del document[name]
    with pytest.raises(ValueError, match=name):
        list(embedded_metrics(json.dumps(document)))


def test_a_line_that_is_put_into_a_log_becomes_a_metric_and_a_wrong_one_is_journaled(aws: LocalAws) -> None:
    logs, group = aws.client("logs"), unique("group")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    now = int(time.time() * 1000)
    good, bad = line(Bottles=7, service=group), line(service=group)
    for document in (good, bad):
        document["_aws"]["Timestamp"] = now
    del bad["Bottles"]
    logs.put_log_events(
        logGroupName=group,
        logStreamName="one",
        logEvents=[{"timestamp": now, "message": json.dumps(document)} for document in (good, bad)],
    )
    assert aws.sums("Cellar", "Bottles", service=group) == [7.0]
    assert [event["error"] for event in aws.journal("metrics.not_understood") if event["group"] == group] == [
        "KeyError: 'Bottles'"
    ]
