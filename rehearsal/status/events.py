"""Derive the page's newest calls, and rotations step by step, from the journal.

The journal grows to tens of thousands of lines, so each is read once, and only what is shown is kept.
"""

import json
import re
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEPT_CALLS = 400
KEPT_ROTATIONS = 12

_FIRST_FAILURE = 400
# An error's code in each of AWS's wire formats. What else was said stays in the journal.
_CODE = re.compile(r'<Code>(\w+)|"__type": ?"(?:[^"#]*#)?(\w+)"|"[cC]ode": ?"(\w+)"')
_DENIALS = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


@dataclass
class _Rotation:
    name: str
    started: str
    planned: tuple[str, ...]
    state: str = "running"
    steps: list[dict[str, Any]] = field(default_factory=list)
    done_in_this_attempt: int = 0


class Events:
    """The newest of what a journal says, taken in event by event."""

    def __init__(self) -> None:
        self._calls: OrderedDict[tuple[str, ...], dict[str, Any]] = OrderedDict()
        self._rotations: OrderedDict[str, _Rotation] = OrderedDict()
        self._count_by_outcome: Counter[str] = Counter()

    def take(self, event: Mapping[str, Any]) -> None:
        """Take in the journal's next event; most kinds are not shown."""
        kind = event["kind"]
        if kind == "api.call":
            self._take_call(event)
        elif kind == "database.master_rotated":
            step = {"step": "new password", "outcome": "done", "time": event["time"]}
            name = f"{event['instance']}, master"
            self._keep(event["time"], _Rotation(name, event["time"], (), "succeeded", [step]))
        elif kind == "rotation.started":
            self._keep(event["version_id"], _Rotation(_login(event["secret"]), event["time"], tuple(event["steps"])))
        elif kind.startswith("rotation.") and event.get("version_id") in self._rotations:
            self._take_step(self._rotations[event["version_id"]], kind, event)

    def calls_after(self, number: int) -> dict[str, Any]:
        """Return the kept calls after a number, oldest first, and the counts of all calls.

        A caller's repetitions of an action with the same outcome are one call, with their count and the newest time.
        """
        return {
            "counts": {outcome: self._count_by_outcome[outcome] for outcome in ("allowed", "denied", "failed")},
            "newest": [call for call in self._calls.values() if call["number"] > number],
        }

    def rotations(self) -> list[dict[str, Any]]:
        """Return the rotations, newest first, each with its steps and the current one."""
        return [
            {
                "name": rotation.name,
                "started": rotation.started,
                "state": rotation.state,
                "steps": list(rotation.steps),
                "under_way": rotation.planned[rotation.done_in_this_attempt] if rotation.state == "running" else None,
            }
            for rotation in reversed(self._rotations.values())
        ]

    def _take_call(self, event: Mapping[str, Any]) -> None:
        code = _code(event.get("said", ""))
        outcome = "denied" if code in _DENIALS else "failed" if event["status"] >= _FIRST_FAILURE else "allowed"
        self._count_by_outcome[outcome] += 1
        action = f"{event['service']}:{event['operation']}"
        key = (event["caller"], action, outcome, str(code or event["status"]))
        count = self._calls.pop(key, {"count": 0})["count"] + 1
        shown = {"count": count, "action": action, "outcome": outcome, "code": code}
        shown |= {name: event[name] for name in ("time", "caller", "status")}
        self._calls[key] = {"number": self._count_by_outcome.total(), **shown}
        while len(self._calls) > KEPT_CALLS:
            self._calls.popitem(last=False)

    def _keep(self, key: str, rotation: _Rotation) -> None:
        # A rotation that is attempted again has the same version, and starts over.
        self._rotations.pop(key, None)
        self._rotations[key] = rotation
        while len(self._rotations) > KEPT_ROTATIONS:
            self._rotations.popitem(last=False)

    def _take_step(self, rotation: _Rotation, kind: str, event: Mapping[str, Any]) -> None:
        match kind:
            case "rotation.step":
                rotation.steps.append({**_step(event), "outcome": "done", "milliseconds": event["milliseconds"]})
                rotation.done_in_this_attempt += 1
                # A rotation says itself how it ended; a mere test of the function does not.
                if rotation.done_in_this_attempt == len(rotation.planned) == 1:
                    rotation.state = "tested"
                rotation.done_in_this_attempt %= len(rotation.planned)
            case "rotation.failed":
                rotation.steps.append({**_step(event), "outcome": "failed", "error": event["error"]})
                rotation.done_in_this_attempt = 0
            case "rotation.succeeded":
                rotation.state = "succeeded"
            case "rotation.abandoned":
                rotation.state = "abandoned"


class JournalReader:
    """Takes a growing journal in, each line once. For one thread at a time.

    Args:
        path: the journal; need not be there yet.
        events: what takes the events in.
    """

    def __init__(self, path: Path, events: Events) -> None:
        self._path = path
        self._events = events
        self._offset = 0

    def read_on(self) -> None:
        """Take in what was written since; a line that is not yet whole waits for the next time."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        return
                    self._offset += len(line)
                    self._events.take(json.loads(line))
        except FileNotFoundError:
            return


def _login(secret: str) -> str:
    """Whose a secret is: Terraform names it NAME/database/LOGIN-SUFFIX."""
    return secret.rpartition("/")[2].rpartition("-")[0] or secret


def _step(event: Mapping[str, Any]) -> dict[str, Any]:
    return {"step": event["step"], "time": event["time"]}


def _code(said: str) -> str | None:
    found = _CODE.search(said)
    return next(filter(None, found.groups()), None) if found else None
