"""Endpoints outside of the AWS API: status, leftover resources, faults, and schedules.

``GET /_rehearsal/status``, ``GET /_rehearsal/resources``, ``POST /_rehearsal/faults``,
``POST`` and ``DELETE /_rehearsal/throttles/SERVICE``, and ``POST /_rehearsal/schedules/NAME/invoke``.
"""

import os
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from localaws.concurrency import reading_moto
from localaws.events.schedules import ScheduleError, Schedules
from localaws.http.call import Answer, json_answer
from localaws.http.faults import Faults
from localaws.inventory import Inventory
from localaws.settings import Service, Settings

PREFIX = "/_rehearsal/"
_INVOKE = re.compile(r"schedules/([^/]+)/invoke")
_THROTTLE = re.compile(r"throttles/([^/]+)")


class Control:
    """Answers what is asked below ``/_rehearsal/``.

    Args:
        settings: of this local AWS.
        services: what runs, by name.
        faults: what fails on demand.
    """

    def __init__(self, settings: Settings, services: Mapping[str, Service], faults: Faults) -> None:
        self._settings = settings
        self._services = services
        self._faults = faults
        self._inventory = Inventory(settings)

    def answer(self, method: str, path: str) -> Answer:
        """Answer a request; 404 or 405 for unknown paths and methods."""
        known: dict[str, tuple[str, Callable[[], Any]]] = {
            "status": ("GET", self._status),
            "resources": ("GET", self._resources),
            "faults": ("POST", self._ask_for_faults),
        }
        name = path.removeprefix(PREFIX)
        schedule = _INVOKE.fullmatch(name)
        if schedule and method == "POST":
            return self._invoke_schedule(unquote(schedule[1]))
        throttle = _THROTTLE.fullmatch(name)
        if throttle and method in {"POST", "DELETE"}:
            change = self._faults.throttled.add if method == "POST" else self._faults.throttled.discard
            change(throttle[1])
            return json_answer(200, {"throttled": sorted(self._faults.throttled)})
        if name not in known:
            listed = [PREFIX + key for key in [*known, "schedules/NAME/invoke", "throttles/SERVICE"]]
            return json_answer(404, {"error": f"{path} is not here", "known": listed})
        wanted_method, produce = known[name]
        if method != wanted_method:
            return json_answer(405, {"error": f"{path} takes {wanted_method}, not {method}"})
        return json_answer(200, produce())

    @reading_moto
    def _status(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "endpoint": self._settings.endpoint,
            "failed_on_demand": self._faults.failed,
            "services": {name: service.status() for name, service in self._services.items()},
        }

    @reading_moto
    def _resources(self) -> dict[str, Any]:
        return {"resources": self._inventory.remaining()}

    def _ask_for_faults(self) -> dict[str, Any]:
        self._faults.ask_for()
        return {"failing": True}

    def _invoke_schedule(self, name: str) -> Answer:
        service = self._services.get("scheduler")
        if not isinstance(service, Schedules):
            return json_answer(404, {"error": "This local AWS has no schedules."})
        try:
            return json_answer(200, service.invoke_schedule(name))
        except ScheduleError as error:
            return json_answer(409, {"error": str(error)})
