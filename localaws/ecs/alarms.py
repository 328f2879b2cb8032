"""The alarms that guard a deployment of an ECS service: which of them ends it, and how long they must stay quiet.

As ECS does it: an alarm that was going off already when the deployment began guards nothing, because the deployment may
be what mends it; and once the new tasks are healthy, the alarms are watched for as long as they look back themselves.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.cloudwatch.models import cloudwatch_backends

from localaws.cloudwatch.alarm_evaluation import State
from localaws.cloudwatch.alarms import SECONDS_OF_A_MINUTE

if TYPE_CHECKING:
    from moto.ecs.models import Service

    from localaws.settings import Settings


class DeploymentAlarms:
    """The alarms of one service. Not safe for threads by itself; the controller holds its lock."""

    def __init__(self, settings: Settings, service: Service) -> None:
        self._settings = settings
        self._service = service
        self._ignored: frozenset[str] = frozenset()

    def begin(self) -> None:
        """A deployment begins: what is going off now is not its fault."""
        self._ignored = frozenset(alarm.name for alarm in self._alarms() if alarm.state_value == State.ALARM)

    def gone_off(self) -> str | None:
        """The name of an alarm that has gone off since the deployment began."""
        names = (alarm.name for alarm in self._alarms() if alarm.state_value == State.ALARM)
        return next((name for name in names if name not in self._ignored), None)

    @property
    def roll_back(self) -> bool:
        """Whether a deployment that an alarm ended goes back to the last completed one."""
        return bool(self._settings_of_alarms.get("rollback"))

    def bake_seconds(self) -> float:
        """For how long alarms must stay quiet once the last new task is healthy; ECS waits until the old are gone."""
        minutes = (int(alarm.period or 60) / 60 * int(alarm.evaluation_periods) for alarm in self._alarms())
        return max(minutes, default=0.0) * SECONDS_OF_A_MINUTE

    def _alarms(self) -> list[Any]:
        settings = self._settings_of_alarms
        if not settings.get("enable"):
            return []
        backend = cloudwatch_backends[self._settings.account_id][self._settings.region]
        return list(backend.get_alarms_by_alarm_names(settings.get("alarmNames") or []))

    @property
    def _settings_of_alarms(self) -> dict[str, Any]:
        configuration = getattr(self._service, "deployment_configuration", None) or {}
        return configuration.get("alarms") or {}
