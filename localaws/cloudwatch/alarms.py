"""Alarms that change their state: evaluated when metric data arrives and when they are described, with actions to SNS.

moto stores alarms, which stay OK forever. Here an alarm on one metric with a plain statistic gets the state that
CloudWatch would give it. Other kinds (metric math, percentiles, anomaly detection) stay in INSUFFICIENT_DATA, with the
reason. A minute of an alarm's period lasts one second, so that alarms can be tested. Topic policies are not evaluated.
"""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.cloudwatch.models import Alarm, CloudWatchBackend, MetricDatum
from moto.sns.models import sns_backends

from localaws.cloudwatch.alarm_evaluation import COMPARISONS, STATISTICS, Rule, State, data_points, state
from localaws.patch import PatchingService

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from localaws.settings import Context

SECONDS_OF_A_MINUTE = 1.0
# The methods behind DescribeAlarms.
_ASKING = (
    "describe_alarms",
    "get_alarms_by_action_prefix",
    "get_alarms_by_alarm_name_prefix",
    "get_alarms_by_alarm_names",
    "get_alarms_by_state_value",
)
_NOT_EVALUATED = "Only alarms on one metric with a plain statistic are evaluated."


class Alarms(PatchingService):
    """Evaluates alarms."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._lock = threading.RLock()

        patch = self._patch

        @patch.method(CloudWatchBackend, "put_metric_alarm")
        def put_alarm(original: Callable[..., Alarm], backend: CloudWatchBackend, name: str, **fields: Any) -> Alarm:
            with self._lock:
                before = backend.alarms.get(name)
                alarm = original(backend, name=name, **fields)
                # A changed alarm keeps its state until it is evaluated; a new one has none yet.
                alarm.state_value = before.state_value if before else State.INSUFFICIENT_DATA
                return alarm

        @patch.method(CloudWatchBackend, "put_metric_data")
        def put_data(
            original: Callable[..., None], backend: CloudWatchBackend, namespace: str, data: list[dict[str, Any]]
        ) -> None:
            with self._lock:
                original(backend, namespace, data)
                names = {metric["MetricName"] for metric in data}
                self._evaluate(
                    backend, (a for a in backend.alarms.values() if a.namespace == namespace and a.metric_name in names)
                )

        for asked in _ASKING:
            self._evaluate_all_before(asked)

    def _evaluate_all_before(self, asked: str) -> None:
        @self._patch.method(CloudWatchBackend, asked)
        def ask(original: Callable[..., Any], backend: CloudWatchBackend, *arguments: Any) -> list[Alarm]:
            with self._lock:
                self._evaluate(backend, backend.alarms.values())
                return list(original(backend, *arguments))

    def _evaluate(self, backend: CloudWatchBackend, alarms: Iterable[Alarm]) -> None:
        for alarm in alarms:
            rule = _rule(alarm)
            if rule is None:
                alarm.state_reason = _NOT_EVALUATED
                continue
            points = data_points(rule, _values(backend, alarm), datetime.now(UTC).timestamp())
            reached = state(rule, points, State(alarm.state_value))
            if reached != alarm.state_value:
                self._change(alarm, reached, f"Data points in the evaluation range: {points or 'none'}.")

    def _change(self, alarm: Alarm, reached: State, reason: str) -> None:
        before = alarm.state_value
        alarm.update_state(reason, "{}", reached)
        self._context.journal.record("alarm.changed", alarm=alarm.name, before=before, state=reached, reason=reason)
        if not alarm.actions_enabled:
            return
        actions = {
            State.ALARM: alarm.alarm_actions,
            State.OK: alarm.ok_actions,
            State.INSUFFICIENT_DATA: alarm.insufficient_data_actions,
        }[reached]
        for action in actions:
            self._notify(action, alarm, before, reason)

    def _notify(self, action: str, alarm: Alarm, before: str, reason: str) -> None:
        topics = sns_backends[self._context.settings.account_id][self._context.settings.region]
        if action not in topics.topics:
            self._context.journal.record("alarm.action_not_done", alarm=alarm.name, action=action)
            return
        message = {
            "AlarmName": alarm.name,
            "AlarmDescription": alarm.description,
            "NewStateValue": alarm.state_value,
            "NewStateReason": reason,
            "OldStateValue": before,
        }
        topics.publish(json.dumps(message), arn=action, subject=f'{alarm.state_value}: "{alarm.name}"'[:100])


def _rule(alarm: Alarm) -> Rule | None:
    """Return the alarm's settings; None if its kind is not evaluated here."""
    if alarm.metric_data_queries or alarm.rule or alarm.statistic not in STATISTICS:
        return None
    if alarm.comparison_operator not in COMPARISONS:
        return None
    return Rule(
        statistic=alarm.statistic,
        comparison=alarm.comparison_operator,
        threshold=float(alarm.threshold),
        period_seconds=int(alarm.period) / 60 * SECONDS_OF_A_MINUTE,
        evaluation_periods=int(alarm.evaluation_periods),
        datapoints_to_alarm=int(alarm.datapoints_to_alarm or alarm.evaluation_periods),
        missing_data=alarm.treat_missing_data or "missing",
    )


def _values(backend: CloudWatchBackend, alarm: Alarm) -> Iterable[tuple[float, float]]:
    """Timestamp in seconds and value of everything that was measured of the alarm's very metric."""
    wanted = _dimensions(alarm)
    for datum in backend.metric_data:
        if (
            isinstance(datum, MetricDatum)
            and (datum.namespace, datum.name) == (alarm.namespace, alarm.metric_name)
            and _dimensions(datum) == wanted
            and (alarm.unit is None or alarm.unit == datum.unit)
        ):
            yield datum.timestamp.replace(tzinfo=UTC).timestamp(), datum.value


def _dimensions(measured: Any) -> dict[str | None, str | None]:
    """Return the dimensions by name: metrics are the same only if all of these are."""
    return {dimension.name: dimension.value for dimension in measured.dimensions}
