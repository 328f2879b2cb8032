import json

import pytest

from rehearsal.progress import Progress, statements_run


def hook(kind: str, address: str, action: str = "create", seconds: int | None = None) -> str:
    elapsed = {} if seconds is None else {"elapsed_seconds": seconds}
    return json.dumps({"type": kind, "hook": {"resource": {"addr": address}, "action": action, **elapsed}})


PLAN = json.dumps({"type": "change_summary", "changes": {"add": 3, "change": 1, "remove": 0, "operation": "plan"}})
RAN = "Statements that ran in the database: 1"
DATABASE = "module.database.aws_db_instance.this"


@pytest.mark.parametrize(
    ("lines", "summary"),
    [
        pytest.param([], "planning", id="nothing yet"),
        pytest.param(["panic: not JSON"], "planning", id="a crash"),
        pytest.param([PLAN], "0 of 4 changes", id="planned"),
        pytest.param([PLAN, hook("apply_start", "aws_vpc.this")], "0 of 4 changes; create aws_vpc.this", id="started"),
        pytest.param(
            [PLAN, hook("apply_start", "aws_vpc.this"), hook("apply_complete", "aws_vpc.this")],
            "1 of 4 changes",
            id="one done",
        ),
        pytest.param(
            [PLAN, hook("apply_start", "data.x.y", "read"), hook("apply_complete", "data.x.y", "read")],
            "0 of 4 changes",
            id="reading is not a change",
        ),
        pytest.param(
            [PLAN, hook("apply_start", "aws_vpc.this"), hook("apply_progress", DATABASE, seconds=30)],
            f"0 of 4 changes; create {DATABASE}, 30 s of the 80 s that the AWS provider always takes for it",
            id="the one that takes longest is named with what is usual",
        ),
        pytest.param(
            [PLAN, hook("apply_progress", DATABASE, "update", seconds=20)],
            f"0 of 4 changes; update {DATABASE}, 20 s",
            id="an update has no usual time",
        ),
    ],
)
def test_the_summary_says_how_far_it_is_and_what_it_waits_for(lines: list[str], summary: str) -> None:
    progress = Progress()
    for line in lines:
        progress.read(line)
    assert progress.summary == summary


def test_errors_are_kept_whole_and_warnings_are_not() -> None:
    progress = Progress()
    for severity, summary in (("warning", "old"), ("error", "invoking Lambda")):
        diagnostic = {"severity": severity, "summary": summary, "detail": "Why\nand what to do", "address": DATABASE}
        progress.read(json.dumps({"type": "diagnostic", "diagnostic": diagnostic}))
    assert progress.errors == [f"invoking Lambda ({DATABASE})\nWhy\nand what to do"]


@pytest.mark.parametrize(
    ("before", "destructive", "lines"),
    [
        pytest.param(None, False, [f"{RAN}, none revokes access", "- Two."], id="first"),
        pytest.param("1", True, [f"{RAN}, 1 of them revoking access", "- ONE;"], id="next"),
        pytest.param("2", True, ["No statement ran in the database: access is as declared."], id="nothing to do"),
    ],
)
def test_statements_that_an_apply_ran_are_counted_and_shown_from_the_second_apply_on(
    before: str | None, destructive: bool, lines: list[str]
) -> None:
    changes = [{"sql": "ONE", "destructive": destructive}]
    after = {"access_plan": "2", "access_report": {"changes": changes}, "access_summary": ["Two."]}
    assert statements_run({"access_plan": before} if before else {}, after) == lines
