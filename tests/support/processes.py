"""Processes of this machine."""

import psutil


def is_asleep(seconds: str) -> bool:
    """Return True if a ``sleep`` of so many seconds runs; tests tell theirs by a unique number."""
    return any(process.info["cmdline"] == ["sleep", seconds] for process in psutil.process_iter(["cmdline"]))
