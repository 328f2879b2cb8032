"""The journal is one JSON object a line, by any writer."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from localaws.journal import Journal


def test_events_of_many_threads_stay_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "logs" / "journal.jsonl")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: journal.record("test.event", number=number, text="x" * 2000), range(200)))
    events = [json.loads(line) for line in journal.path.read_text().splitlines()]
    assert sorted(event["number"] for event in events) == list(range(200))
    assert {event["kind"] for event in events} == {"test.event"}
