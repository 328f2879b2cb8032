"""The ``awslogs`` driver: container output in CloudWatch Logs.

A container's output goes to a file of the run. One thread copies new lines to the log stream, with the credentials of
the task's execution role. As in the driver's ``non-blocking`` mode, lines are dropped rather than tasks delayed: after
a refusal the rest of that stream is dropped, and the journal has the reason.
"""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localaws.journal import Journal

POLL_SECONDS = 1.0
EVENTS_PER_CALL = 1000  # PutLogEvents takes up to 10,000 and 1 MiB
LONGEST_LINE_CHARACTERS = 16_000


@dataclass
class _Followed:
    path: Path
    client: Any
    group: str
    stream: str
    offset: int = 0
    has_ended: bool = False


class TaskLogs:
    """Copies the output of containers to their log streams, until it is stopped.

    Args:
        journal: where it is said that lines were lost.
        poll_seconds: how often it checks for new lines.
    """

    def __init__(self, journal: Journal, poll_seconds: float = POLL_SECONDS) -> None:
        self._poll_seconds = poll_seconds
        self._journal = journal
        self._followed: dict[Path, _Followed] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="task logs", daemon=True)
        self._thread.start()

    def follow(self, path: Path, client: Any, group: str, stream: str) -> None:
        """Copy what is appended to ``path`` to an existing log stream, with ``client``, which is closed at the end."""
        with self._lock:
            self._followed[path] = _Followed(path, client, group, stream)

    def finish(self, path: Path) -> None:
        """Copy the rest of ``path`` soon, then forget it."""
        with self._lock:
            if path in self._followed:
                self._followed[path].has_ended = True

    def stop(self) -> None:
        """Copy nothing any more; what is still only in the files stays there."""
        self._stopping.set()
        self._thread.join()
        for one in self._followed.values():
            one.client.close()
        self._followed.clear()

    def _run(self) -> None:
        while not self._stopping.wait(self._poll_seconds):
            with self._lock:
                followed = list(self._followed.values())
            for one in followed:
                self._copy(one)

    def _copy(self, one: _Followed) -> None:
        ended = one.has_ended  # read before the file: what is printed later comes next time
        try:
            for lines in _batches(_new_lines(one, whole=ended)):
                now = round(time.time() * 1000)
                events = [{"timestamp": now, "message": line[:LONGEST_LINE_CHARACTERS]} for line in lines]
                one.client.put_log_events(logGroupName=one.group, logStreamName=one.stream, logEvents=events)
        except (BotoCoreError, ClientError, OSError) as error:
            self._journal.record("task.log_lost", stream=one.stream, group=one.group, error=str(error))
            ended = True
        if ended:
            with self._lock:
                self._followed.pop(one.path, None)
            one.client.close()


def _new_lines(one: _Followed, *, whole: bool) -> list[str]:
    """Return the new lines; an unfinished last one only if the file is ``whole``."""
    with one.path.open("rb") as file:
        file.seek(one.offset)
        added = file.read()
    if not whole:
        added = added[: added.rfind(b"\n") + 1]
    one.offset += len(added)
    return [line for line in added.decode(errors="replace").splitlines() if line]


def _batches(lines: list[str]) -> list[list[str]]:
    return [lines[start : start + EVENTS_PER_CALL] for start in range(0, len(lines), EVENTS_PER_CALL)]
