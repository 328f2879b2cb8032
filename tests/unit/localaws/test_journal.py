"""The journal is one JSON object a line, whoever writes."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from localaws.journal import Journal


def test_events_of_many_threads_stay_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "logs" / "journal.jsonl")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: journal.record("test.event", number=number, text="x" * 2000), range(200)))
    events = [json.loads(line) for line in journal.path.read_text().splitlines()]
    assert sorted(event["number"] for event in events) == list(range(200))
    assert {event["kind"] for event in events} == {"test.event"}


def test_an_event_has_its_time_and_what_is_not_json_as_text(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.record("test.event", path=Path("/a"), line="one\ntwo")
    event = json.loads(journal.path.read_text())
    assert datetime.fromisoformat(event["time"]).tzinfo is not None
    assert (event["path"], event["line"]) == ("/a", "one\ntwo")
