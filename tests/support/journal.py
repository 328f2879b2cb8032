"""Read the journal of a local AWS."""

import json
from pathlib import Path
from typing import Any

_FILE = "journal.jsonl"
_LINES_SHOWN = 40


def journal_events(logs: Path, kind: str) -> list[dict[str, Any]]:
    """Return the events of a kind, or of all kinds of a group, such as ``rotation.``."""
    beginning = f'"kind": "{kind}'
    events = [json.loads(line) for line in _lines(logs) if beginning in line]
    return [event for event in events if event["kind"] == kind or (kind[-1] == "." and event["kind"].startswith(kind))]


def end_of_journal(logs: Path) -> str:
    """Return the last events, without the API calls that succeeded."""
    lines = [line for line in _lines(logs) if '"api.call"' not in line or '"said"' in line]
    return "\n".join(lines[-_LINES_SHOWN:])


def _lines(logs: Path) -> list[str]:
    file = logs / _FILE
    # Only whole lines: the local AWS may be writing the next one.
    return file.read_text().rpartition("\n")[0].splitlines() if file.exists() else []
