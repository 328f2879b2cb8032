"""How a container's output reaches its log stream."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.ecs.logs import TaskLogs
from localaws.journal import Journal
from tests.support.waiting import wait_until


class FakeStream:
    """CloudWatch Logs with one stream in memory."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.is_refusing = False
        self.is_closed = False

    def put_log_events(self, *, logEvents: list[dict[str, Any]], **_where: str) -> None:  # noqa: N803 - boto3's name
        if self.is_refusing:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "PutLogEvents")
        self.messages += [event["message"] for event in logEvents]

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[TaskLogs]:
    logs = TaskLogs(Journal(tmp_path / "journal.jsonl"), poll_seconds=0.01)
    yield logs
    logs.stop()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.touch()
    return path


def append(file: Path, text: str) -> None:
    with file.open("a") as stream:
        stream.write(text)


def test_whole_lines_are_copied_as_they_come(logs: TaskLogs, file: Path) -> None:
    stream = FakeStream()
    logs.follow(file, stream, "group", "stream")
    append(file, "one\ntwo\nthr")
    wait_until(lambda: stream.messages == ["one", "two"])
    append(file, "ee\n")
    wait_until(lambda: stream.messages == ["one", "two", "three"])


def test_an_unfinished_last_line_is_copied_at_the_end(logs: TaskLogs, file: Path) -> None:
    stream = FakeStream()
    logs.follow(file, stream, "group", "stream")
    append(file, "one\nlast words")
    logs.finish(file)
    wait_until(lambda: stream.is_closed)
    assert stream.messages == ["one", "last words"]


def test_a_refusal_ends_the_copying_and_is_reported_once(logs: TaskLogs, file: Path, tmp_path: Path) -> None:
    stream = FakeStream()
    stream.is_refusing = True
    logs.follow(file, stream, "group", "stream")
    append(file, "one\n")
    wait_until(lambda: stream.is_closed)
    append(file, "two\n")
    logs.stop()
    journal = (tmp_path / "journal.jsonl").read_text()
    assert journal.count('"task.log_lost"') == 1
    assert "AccessDeniedException" in journal
