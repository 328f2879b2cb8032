"""Metrics that AWS publishes itself: from log lines, Lambda and load balancers.

A line of any log group in the embedded metric format becomes metric data, as CloudWatch Logs extracts it; an invalid
one stays a line, and the journal says so. Lambda counts invocations and errors, EventBridge failed invocations; a load
balancer counts its targets' 5xx responses only. None of this needs a permission beyond writing the log.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.cloudwatch.models import cloudwatch_backends
from moto.logs.models import LogsBackend

from localaws.patch import PatchingService

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from localaws.settings import Context, Settings


@dataclass(frozen=True)
class MetricDatum:
    """One value of one metric.

    Attributes:
        dimensions: names and values, in the order in which they were given.
        unit: as CloudWatch writes it, ``Count`` or ``None``.
    """

    namespace: str
    name: str
    value: float
    dimensions: tuple[tuple[str, str], ...]
    unit: str
    timestamp: datetime


def embedded_metrics(line: str) -> Iterator[MetricDatum]:
    """Yield the metric data in a log line; none if it is not in the embedded metric format.

    Raises:
        ValueError: the line is in the format, and says something that CloudWatch would not understand.
    """
    if '"_aws"' not in line:
        return
    try:
        document = json.loads(line)
    except ValueError:
        return
    if not isinstance(document, dict) or "CloudWatchMetrics" not in (document.get("_aws") or {}):
        return
    try:
        timestamp = datetime.fromtimestamp(document["_aws"]["Timestamp"] / 1000, UTC)
        for directive in document["_aws"]["CloudWatchMetrics"]:
            for metric in directive["Metrics"]:
                values = document[metric["Name"]]
                for names in directive.get("Dimensions") or [[]]:
                    dimensions = tuple((name, str(document[name])) for name in names)
                    for value in values if isinstance(values, list) else [values]:
                        yield MetricDatum(
                            directive["Namespace"],
                            metric["Name"],
                            float(value),
                            dimensions,
                            metric.get("Unit", "None"),
                            timestamp,
                        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def put(settings: Settings, data: Iterable[MetricDatum]) -> None:
    """Give metric data to CloudWatch."""
    backend = cloudwatch_backends[settings.account_id][settings.region]
    for datum in data:
        metric = {
            "MetricName": datum.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in datum.dimensions],
            # moto compares it with times that have no zone.
            "Timestamp": datum.timestamp.astimezone(UTC).replace(tzinfo=None),
            "Value": datum.value,
            "Unit": datum.unit,
        }
        backend.put_metric_data(datum.namespace, [metric])


def count_invocation(settings: Settings, function_name: str, *, failed: bool) -> None:
    """Count an invocation as Lambda does: ``Invocations`` and ``Errors`` of ``AWS/Lambda``."""
    now = datetime.now(UTC)
    dimensions = (("FunctionName", function_name),)
    put(
        settings,
        [
            MetricDatum("AWS/Lambda", "Invocations", 1.0, dimensions, "Count", now),
            MetricDatum("AWS/Lambda", "Errors", float(failed), dimensions, "Count", now),
        ],
    )


def count_target_error(settings: Settings, load_balancer: str, target_group: str) -> None:
    """Count a target's 5xx response; load balancer and target group are named by the end of their ARN."""
    dimensions = (("LoadBalancer", load_balancer), ("TargetGroup", target_group))
    now = datetime.now(UTC)
    put(settings, [MetricDatum("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", 1.0, dimensions, "Count", now)])


def count_failed_invocation(settings: Settings, rule: str) -> None:
    """Count an event that EventBridge could not deliver to a target of a rule."""
    now = datetime.now(UTC)
    put(settings, [MetricDatum("AWS/Events", "FailedInvocations", 1.0, (("RuleName", rule),), "Count", now)])


class Metrics(PatchingService):
    """Extracts metrics from log lines."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)

        @self._patch.method(LogsBackend, "put_log_events")
        def put_log_events(
            original: Callable[..., Any], backend: LogsBackend, group: str, stream: str, events: list[dict[str, Any]]
        ) -> Any:
            answer = original(backend, group, stream, events)
            for event in events:
                self._extract(group, event["message"])
            return answer

    def _extract(self, group: str, line: str) -> None:
        try:
            data = list(embedded_metrics(line))
        except ValueError as error:
            self._context.journal.record("metrics.not_understood", group=group, error=str(error))
            return
        put(self._context.settings, data)
