"""The journal: one JSON object a line, for people and tests to read afterwards."""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class Journal:
    """An append-only file of events. Safe to use from many threads.

    Secrets do not belong in it: a service that records a request or an answer leaves their values out.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.Lock()

    def record(self, kind: str, /, **fields: Any) -> None:
        """Append one event.

        Args:
            kind: what happened, as ``service.event`` (``function.started``, ``api.call``).
            fields: JSON values; anything else is written as its ``str``.
        """
        event = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "kind": kind, **fields}
        line = json.dumps(event, default=str) + "\n"
        with self._lock, self.path.open("a", encoding="utf-8") as file:
            file.write(line)
