"""Metrics that AWS publishes itself: from log lines, Lambda, load balancers, services and databases.

A line of any log group in the embedded metric format becomes metric data, as CloudWatch Logs extracts it; an invalid
one stays a line, and the journal says so. Lambda counts and times invocations, EventBridge counts failed ones; a load
balancer counts and times responses; a ``Gauge`` publishes what is measured every minute of an alarm. None of this
needs a permission beyond writing the log.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import itertools
import json
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends
from moto.logs.models import LogsBackend

from localaws.cloudwatch.alarms import SECONDS_OF_A_MINUTE
from localaws.patch import PatchingService
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
    for namespace, group in itertools.groupby(data, lambda datum: datum.namespace):
        metrics = [
            {
                "MetricName": datum.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in datum.dimensions],
                # moto compares it with times that have no zone.
                "Timestamp": datum.timestamp.astimezone(UTC).replace(tzinfo=None),
                "Value": datum.value,
                "Unit": datum.unit,
            }
            for datum in group
        ]
        backend.put_metric_data(namespace, metrics)


def _count(settings: Settings, namespace: str, dimensions: Mapping[str, str], **values: float) -> None:
    now = datetime.now(UTC)
    names = tuple(dimensions.items())
    put(settings, (MetricDatum(namespace, metric, value, names, "Count", now) for metric, value in values.items()))


def count_invocation(settings: Settings, function_name: str, *, failed: bool, milliseconds: float) -> None:
    """Count an invocation as Lambda does: ``Invocations``, ``Errors`` and ``Duration`` of ``AWS/Lambda``."""
    dimensions = {"FunctionName": function_name}
    _count(settings, "AWS/Lambda", dimensions, Invocations=1.0, Errors=float(failed), Duration=milliseconds)


def count_responses(settings: Settings, load_balancer: str, target_group: str | None, status: int, count: int) -> None:
    """Count a load balancer's responses of one status; those without a target group are its own.

    Both are named by the end of their ARN.
    """
    namespace, balancer = "AWS/ApplicationELB", {"LoadBalancer": load_balancer}
    is_failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if target_group:
        failed = {"HTTPCode_Target_5XX_Count": count} if is_failed else {}
        _count(settings, namespace, balancer, RequestCount=count, **failed)
        _count(settings, namespace, {**balancer, "TargetGroup": target_group}, **failed)
    elif is_failed:
        _count(settings, namespace, balancer, HTTPCode_ELB_5XX_Count=count)


def put_response_times(settings: Settings, load_balancer: str, target_group: str, seconds: Sequence[float]) -> None:
    """Publish ``TargetResponseTime`` of a target group: at most a hundred quantiles, the longest included."""
    quantiles = sorted(seconds, reverse=True)[:: math.ceil(len(seconds) / 100)]
    dimensions, now = (("LoadBalancer", load_balancer), ("TargetGroup", target_group)), datetime.now(UTC)
    namespace, metric = "AWS/ApplicationELB", "TargetResponseTime"
    put(settings, [MetricDatum(namespace, metric, value, dimensions, "Seconds", now) for value in quantiles])


def count_failed_invocation(settings: Settings, rule: str) -> None:
    """Count an event that EventBridge could not deliver to a target of a rule."""
    _count(settings, "AWS/Events", {"RuleName": rule}, FailedInvocations=1.0)


# A namespace, dimensions, and values by metric.
Measurement = tuple[str, Mapping[str, str], Mapping[str, float]]


class Gauge:
    """Publishes every minute of an alarm what a function measures, in a thread."""

    def __init__(self, context: Context, measure: Callable[[], Iterable[Measurement]]) -> None:
        self._context = context
        self._measure = measure
        self._stopping = threading.Event()
        threading.Thread(target=self._run, name="gauge", daemon=True).start()

    def stop(self) -> None:
        """Publish nothing more. Safe to call twice."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(SECONDS_OF_A_MINUTE):
            try:
                for namespace, dimensions, values in self._measure():
                    _count(self._context.settings, namespace, dimensions, **values)
            except Exception as error:  # noqa: BLE001 - what is measured may be changing or ending; the next minute follows
                self._context.journal.record("metrics.not_measured", error=repr(error))


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
