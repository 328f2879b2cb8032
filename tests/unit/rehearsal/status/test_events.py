"""The journal's part of the status page."""

import json
from pathlib import Path
from typing import Any

import pytest

from rehearsal.status.events import KEPT_CALLS, KEPT_ROTATIONS, Events, JournalReader
from tests.support.status_page import STEPS, call, rotation


def events(*journal: dict[str, Any]) -> Events:
    taken = Events()
    for event in journal:
        taken.take(event)
    return taken


@pytest.mark.parametrize(
    ("status", "said", "outcome", "code"),
    [
        pytest.param(200, None, "allowed", None, id="allowed"),
        pytest.param(
            403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>", "denied", "AccessDenied", id="XML"
        ),
        pytest.param(400, '{"__type": "AccessDeniedException"}', "denied", "AccessDeniedException", id="JSON"),
        pytest.param(
            400, '{"__type": "com.amazon#ResourceNotFoundException"}', "failed", "ResourceNotFoundException", id="shape"
        ),
        pytest.param(404, "", "failed", None, id="without a word"),
    ],
)
def test_a_call_has_its_outcome_and_the_code_of_its_error(
    status: int, said: str | None, outcome: str, code: str | None
) -> None:
    more = {} if said is None else {"said": said}
    (shown,) = events(call(status=status, **more)).calls_after(0)["newest"]
    assert (shown["outcome"], shown["code"]) == (outcome, code)
    assert shown["action"] == "ecs:CreateCluster"


def test_of_what_an_error_said_only_the_code_is_shown() -> None:
    said = '{"__type": "InvalidRequestException", "message": "hunter2 is too short"}'
    assert "hunter2" not in json.dumps(events(call(status=400, said=said)).calls_after(0))


def test_a_page_is_given_the_calls_that_it_has_not_seen() -> None:
    taken = events(*(call(operation=f"Call{number}") for number in range(1, 6)))
    assert [one["number"] for one in taken.calls_after(3)["newest"]] == [4, 5]
    assert taken.calls_after(5) == {"counts": {"allowed": 5, "denied": 0, "failed": 0}, "newest": []}


def test_of_many_calls_the_last_are_kept_and_all_are_counted() -> None:
    taken = events(*(call(operation=f"Call{number}") for number in range(KEPT_CALLS + 50)))
    newest = taken.calls_after(0)["newest"]
    assert (len(newest), newest[-1]["number"]) == (KEPT_CALLS, KEPT_CALLS + 50)
    assert taken.calls_after(0)["counts"]["allowed"] == KEPT_CALLS + 50


def test_repeated_calls_are_one_with_their_count_unless_the_outcome_differs() -> None:
    denied = call(status=403, said='{"__type": "AccessDenied"}')
    newest = events(call(), call(operation="Other"), call(), denied, call()).calls_after(0)["newest"]
    shown = [(one["action"], one["outcome"], one["count"], one["number"]) for one in newest]
    assert shown == [
        ("ecs:Other", "allowed", 1, 2),
        ("ecs:CreateCluster", "denied", 1, 4),
        ("ecs:CreateCluster", "allowed", 3, 5),
    ]


def test_an_attempt_after_a_failure_begins_with_the_first_step() -> None:
    taken = events(
        rotation("started", steps=STEPS),
        rotation("step", step="createSecret", milliseconds=1),
        rotation("failed", step="setSecret", error="OSError: no route"),
    )
    (shown,) = taken.rotations()
    assert (shown["state"], shown["under_way"]) == ("running", "createSecret")
    assert shown["steps"][-1]["error"] == "OSError: no route"
    taken.take(rotation("abandoned"))
    assert taken.rotations()[0]["state"] == "abandoned"


def test_a_mere_test_of_the_function_ends_with_its_only_step() -> None:
    taken = events(rotation("started", steps=["testSecret"]), rotation("step", step="testSecret", milliseconds=1))
    assert taken.rotations()[0]["state"] == "tested"


def test_the_masters_rotation_is_one_of_them_and_only_the_newest_are_kept() -> None:
    taken = events(
        *(rotation("started", steps=STEPS, version_id=f"v{number}") for number in range(KEPT_ROTATIONS)),
        {"time": "2026-11-24T12:00:00.000+00:00", "kind": "database.master_rotated", "instance": "taproom-dev"},
    )
    shown = taken.rotations()
    assert len(shown) == KEPT_ROTATIONS
    assert (shown[0]["name"], shown[0]["state"]) == ("taproom-dev, master", "succeeded")


def test_a_journal_is_read_once_and_half_a_line_waits(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    taken = Events()
    reader = JournalReader(path, taken)
    reader.read_on()
    whole, half = json.dumps(call(operation="First")), json.dumps(call(operation="Second"))
    path.write_text(f"{whole}\n{half[:20]}")
    reader.read_on()
    reader.read_on()
    assert [one["action"] for one in taken.calls_after(0)["newest"]] == ["ecs:First"]
    with path.open("a") as file:
        file.write(f"{half[20:]}\n")
    reader.read_on()
    assert [one["action"] for one in taken.calls_after(0)["newest"]] == ["ecs:First", "ecs:Second"]
