"""Alarms that change their state: evaluated when metric data arrives and when they are described, with actions to SNS.

moto stores alarms, which stay OK forever. Here an alarm on metrics with plain statistics or percentiles, or on an
expression of them, gets the state that CloudWatch would give it, and so does a composite alarm that needs all of
several states. Others (such as anomaly detection) stay in INSUFFICIENT_DATA, with the reason. A minute of an alarm's
period lasts one second, so that alarms can be tested. Topic policies are not evaluated.
"""

import bisect
import json
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.models import Alarm, CloudWatchBackend, Metric, MetricDatum, MetricStat
from moto.cloudwatch.responses import CloudWatchResponse
from moto.sns.models import sns_backends

from localaws.cloudwatch.alarm_evaluation import (
    COMPARISONS,
    MORE_PERIODS_LOOKED_AT,
    Rule,
    State,
    UnknownExpressionError,
    data_points,
    evaluated,
    state,
)
from localaws.patch import PatchingService
from localaws.settings import Context

SECONDS_OF_A_MINUTE = 1.0
# The methods behind DescribeAlarms; True for the one whose answer depends on the states.
_ASKING = {
    "describe_alarms": False,
    "get_alarms_by_action_prefix": False,
    "get_alarms_by_alarm_name_prefix": False,
    "get_alarms_by_alarm_names": False,
    "get_alarms_by_state_value": True,
}
# More than the longest window of an alarm needs. Older values are forgotten, or a long run would fill the memory.
_VALUES_KEPT = 10_000
_NOT_EVALUATED = (
    "Only plain statistics, percentiles, some expressions of them, and composites that need all states are evaluated."
)
_CONDITION = re.compile(r'(ALARM|OK|INSUFFICIENT_DATA)\("([^"]+)"\)')

# Namespace, name and dimensions: metrics are the same only if all of these are.
Series = tuple[str, str, frozenset[tuple[str | None, str | None]]]


class Alarms(PatchingService):
    """Evaluates alarms."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._lock = threading.RLock()
        # Timestamp in seconds, value and unit of everything that was measured, oldest first.
        self._values: defaultdict[Series, list[tuple[float, float, str]]] = defaultdict(list)

        patch = self._patch
        patch.attribute(CloudWatchResponse, "put_composite_alarm", CloudWatchResponse.put_metric_alarm)

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
                known = len(backend.metric_data)
                original(backend, namespace, data)
                for datum in backend.metric_data[known:]:
                    if isinstance(datum, MetricDatum):
                        seconds = datum.timestamp.replace(tzinfo=UTC).timestamp()
                        values = self._values[_series(datum)]
                        bisect.insort(values, (seconds, datum.value, datum.unit or ""))
                        del values[:-_VALUES_KEPT]
                del backend.metric_data[:-_VALUES_KEPT]
                put = {(namespace, metric["MetricName"]) for metric in data}
                alarms = list(backend.alarms.values())
                measured = (alarm for alarm in alarms if any(_name(stat) in put for stat in _metrics(alarm).values()))
                self._evaluate(backend, [*measured, *(alarm for alarm in alarms if alarm.rule)])

        @patch.method(CloudWatchBackend, "set_alarm_state")
        def set_state(
            original: Callable[..., None], backend: CloudWatchBackend, name: str, reason: str, *rest: Any
        ) -> None:
            with self._lock:
                reached = rest[-1]
                if name not in backend.alarms or reached not in set(State):
                    original(backend, name, reason, *rest)  # which refuses
                elif reached != backend.alarms[name].state_value:
                    self._change(backend.alarms[name], State(reached), reason)

        for asked, by_state in _ASKING.items():
            self._evaluate_before(asked, by_state=by_state)

    def _evaluate_before(self, asked: str, *, by_state: bool) -> None:
        @self._patch.method(CloudWatchBackend, asked)
        def ask(original: Callable[..., Any], backend: CloudWatchBackend, *arguments: Any) -> list[Alarm]:
            with self._lock:
                described = backend.alarms.values() if by_state else list(original(backend, *arguments))
                # Composite alarms last, because their states follow from the others.
                names = {name for alarm in described for _, name in _CONDITION.findall(alarm.rule or "")}
                self._evaluate(backend, [backend.alarms[name] for name in names if name in backend.alarms])
                self._evaluate(backend, sorted(described, key=lambda alarm: bool(alarm.rule)))
                return list(original(backend, *arguments))

    def _evaluate(self, backend: CloudWatchBackend, alarms: Iterable[Alarm]) -> None:
        for alarm in alarms:
            try:
                reached, reason = _composite(backend, alarm) if alarm.rule else _measured(self._values, alarm)
            except UnknownExpressionError:
                alarm.state_reason = _NOT_EVALUATED
                continue
            if reached != alarm.state_value:
                self._change(alarm, reached, reason)

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


def _composite(backend: CloudWatchBackend, alarm: Alarm) -> tuple[State, str]:
    """Return the state of a composite alarm, and the reason."""
    conditions = _CONDITION.findall(alarm.rule or "")
    if alarm.rule != " AND ".join(f'{state}("{name}")' for state, name in conditions):
        raise UnknownExpressionError(alarm.rule)
    states = {name: str(backend.alarms[name].state_value) for _, name in conditions if name in backend.alarms}
    is_met = all(states.get(name) == wanted for wanted, name in conditions)
    return State.ALARM if is_met else State.OK, f"The states of its alarms: {states}."


def _measured(values: Mapping[Series, list[tuple[float, float, str]]], alarm: Alarm) -> tuple[State, str]:
    """Return the state of an alarm on metrics, and the reason."""
    metrics = _metrics(alarm)
    if alarm.comparison_operator not in COMPARISONS:
        raise UnknownExpressionError(alarm.name)
    rule = Rule(
        comparison=alarm.comparison_operator,
        threshold=float(alarm.threshold),
        # An alarm's metrics have one period, and only its result returns data.
        period_seconds=int(next(iter(metrics.values())).period) / 60 * SECONDS_OF_A_MINUTE,
        evaluation_periods=int(alarm.evaluation_periods),
        datapoints_to_alarm=int(alarm.datapoints_to_alarm or alarm.evaluation_periods),
        missing_data=alarm.treat_missing_data or "missing",
    )
    now = datetime.now(UTC).timestamp()
    oldest = now - rule.period_seconds * (rule.evaluation_periods + MORE_PERIODS_LOOKED_AT)
    series = [
        data_points(rule, metric.stat, _newer(values, metric, oldest), now, SECONDS_OF_A_MINUTE)
        for metric in metrics.values()
    ]
    expression = next((q.expression for q in alarm.metric_data_queries if q.expression), next(iter(metrics)))
    points = [evaluated(expression, dict(zip(metrics, values, strict=True))) for values in zip(*series, strict=True)]
    reason = f"Data points in the evaluation range: {[point for point in points if point is not None] or 'none'}."
    return state(rule, points, State(alarm.state_value)), reason


def _metrics(alarm: Alarm) -> dict[str, MetricStat]:
    """Return the alarm's metrics by their IDs in its expression."""
    metric = Metric(alarm.metric_name, alarm.namespace, alarm.dimensions)
    single = MetricStat(metric, str(alarm.period), alarm.statistic or alarm.extended_statistic or "", alarm.unit or "")
    queries = {query.id: query.metric_stat for query in alarm.metric_data_queries if query.metric_stat}
    return queries or {"metric": single}


def _name(stat: MetricStat) -> tuple[str, str]:
    return stat.metric.namespace, stat.metric.metric_name


def _newer(
    values: Mapping[Series, list[tuple[float, float, str]]], stat: MetricStat, oldest: float
) -> Iterable[tuple[float, float]]:
    """Yield timestamp and value of everything that was measured of this very metric since ``oldest``."""
    measured = values.get(_series(stat.metric), [])
    for seconds, value, unit in measured[bisect.bisect_left(measured, (oldest,)) :]:
        if not stat.unit or stat.unit == unit:
            yield seconds, value


def _series(measured: Any) -> Series:
    name = measured.metric_name if isinstance(measured, Metric) else measured.name
    return measured.namespace, name, frozenset((dimension.name, dimension.value) for dimension in measured.dimensions)
