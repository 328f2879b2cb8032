"""The journal: one JSON object a line, for people and tests to read afterwards."""

import json
import os
import weakref
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
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        weakref.finalize(self, os.close, self._file)

    def record(self, kind: str, /, **fields: Any) -> None:
        """Append one event.

        Args:
            kind: what happened, as ``service.event`` (``function.started``, ``api.call``).
            fields: JSON values; anything else is written as its ``str``.
        """
        event = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "kind": kind, **fields}
        line = json.dumps(event, default=str) + "\n"
        os.write(self._file, line.encode())  # the kernel appends it as a whole
