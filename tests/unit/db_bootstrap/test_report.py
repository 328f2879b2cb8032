import json
from dataclasses import replace
from typing import Any

import pytest

from db_bootstrap.model import Statement
from db_bootstrap.report import Action, Format, Report, escaped, render

GRANT = Statement('GRANT "a" TO "b"', "b is declared as a member of a")
REVOKE = Statement('REVOKE "a" FROM "c"', "c is a member of a", is_destructive=True)
PLAN = Report(
    (REVOKE, GRANT), (), ("Another owner's.",), ("c loses membership in a.",), Action.PLAN, "beers", "sha256:0"
)
DONE = replace(PLAN, action=Action.APPLY, digest=None)
JOIN = Statement('GRANT "a" TO "master"', "the master can act as a only as its member", is_bookkeeping=True)
DRIFT = replace(PLAN, action=Action.VERIFY, digest=None, statements=(JOIN, REVOKE, GRANT))
IN_SYNC = replace(PLAN, statements=(), unmanaged=(), summary=("Access does not change.",))
REFUSED = replace(PLAN, refusals=("Not yours.",), unmanaged=())

PLAN_TEXT = """\
beers: 2 statements to run, 1 of them taking access away.
c loses membership in a.
! REVOKE "a" FROM "c";
      because c is a member of a, TAKES ACCESS AWAY
  GRANT "a" TO "b";
      because b is declared as a member of a
Not managed, and left alone:
- Another owner's.
To apply exactly this plan: apply --expect-digest sha256:0
"""
DONE_TEXT = PLAN_TEXT.replace("to run", "ran").partition("To apply exactly")[0]
DRIFT_TEXT = """\
beers: 2 differences from the document, 1 of them (!) fixed by taking access away.
c loses membership in a.
! c is a member of a
- b is declared as a member of a
Not managed, and left alone:
- Another owner's.
"""
REFUSED_TEXT = PLAN_TEXT.partition("Not managed")[0] + "Cannot run:\n- Not yours.\n"
PLAN_SQL = """\
-- beers: 2 statements to run, 1 of them taking access away.
-- c loses membership in a.
-- digest sha256:0
BEGIN;
-- because c is a member of a, TAKES ACCESS AWAY
REVOKE "a" FROM "c";
-- because b is declared as a member of a
GRANT "a" TO "b";
COMMIT;
-- Not managed, and left alone: Another owner's.
"""


@pytest.mark.parametrize(
    ("report", "form", "expected"),
    [
        pytest.param(PLAN, Format.TEXT, PLAN_TEXT, id="a plan"),
        pytest.param(DONE, Format.TEXT, DONE_TEXT, id="what was done"),
        pytest.param(DRIFT, Format.TEXT, DRIFT_TEXT, id="what has drifted"),
        pytest.param(REFUSED, Format.TEXT, REFUSED_TEXT, id="what cannot be done: no digest to apply"),
        pytest.param(IN_SYNC, Format.TEXT, "beers: nothing to do.\n", id="an empty plan"),
        pytest.param(
            replace(IN_SYNC, action=Action.VERIFY),
            Format.TEXT,
            "beers: nothing differs from the document.\n",
            id="nothing has drifted",
        ),
        pytest.param(
            replace(PLAN, statements=(GRANT,), unmanaged=(), summary=(), digest=None),
            Format.SQL,
            "-- beers: 1 statement to run.\nBEGIN;\n-- because b is declared as a member of a\n"
            'GRANT "a" TO "b";\nCOMMIT;\n',
            id="a single statement",
        ),
        pytest.param(PLAN, Format.SQL, PLAN_SQL, id="a plan as SQL"),
        pytest.param(IN_SYNC, Format.SQL, "-- beers: nothing to do.\n-- digest sha256:0\n", id="an empty plan as SQL"),
    ],
)
def test_a_report_reads_like_this(report: Report, form: Format, expected: str) -> None:
    assert render(report, form, is_verbose=True) == expected


@pytest.mark.parametrize(
    ("report", "in_sync"),
    [
        pytest.param(PLAN, False, id="statements to run"),
        pytest.param(DRIFT, False, id="drift"),
        pytest.param(DONE, True, id="statements that ran"),
        pytest.param(IN_SYNC, True, id="nothing to do"),
        pytest.param(replace(IN_SYNC, refusals=("Not yours.",)), False, id="nothing that could be done"),
    ],
)
def test_json_has_everything(report: Report, in_sync: bool) -> None:
    expected: dict[str, Any] = {
        "action": report.action.value,
        "database": "beers",
        "in_sync": in_sync,
        "digest": report.digest,
        "summary": list(report.summary),
        "changes": [
            {"sql": step.sql, "reason": step.reason, "destructive": step.is_destructive, "database": "beers"}
            for step in (REVOKE, GRANT)[: len(report.statements)]
        ],
        "refusals": list(report.refusals),
        "unmanaged": list(report.unmanaged),
    }
    assert json.loads(render(report, Format.JSON)) == expected


ELSEWHERE = replace(REVOKE, database="wines")


def test_what_runs_in_another_database_says_so() -> None:
    report = replace(PLAN, statements=(ELSEWHERE, GRANT))
    verbose = render(report, Format.TEXT, is_verbose=True)
    assert "because c is a member of a, TAKES ACCESS AWAY, in the database wines\n" in verbose
    assert [change["database"] for change in json.loads(render(report, Format.JSON))["changes"]] == ["wines", "beers"]
    steps = [line for line in render(report, Format.SQL).splitlines() if not line.startswith("-- ")]
    there = ['\\connect "wines"', "BEGIN;", f"{REVOKE.sql};", "COMMIT;"]
    assert steps == [*there, '\\connect "beers"', "BEGIN;", f"{GRANT.sql};", "COMMIT;"]


@pytest.mark.parametrize("name", ["a\n\\! reboot", "host=evil", "a b", 'a"b', ""])
def test_a_database_that_psql_could_misread_ends_the_script(name: str) -> None:
    report = replace(PLAN, statements=(replace(REVOKE, database=name or "\t"), GRANT))
    before, quit_, _ = render(report, Format.SQL).partition("\\quit\n")
    assert quit_
    assert REVOKE.sql not in before
    assert not [line for line in before.splitlines() if not line.startswith("-- ")]


HOSTILE = 'x\n"; DROP TABLE beers; --\r\x1b[2K\u2028\u202e\u200b'


def test_a_hostile_name_ends_no_comment_and_moves_no_cursor() -> None:
    step = Statement("GRANT a TO b", HOSTILE)
    report = Report((step,), (HOSTILE,), (HOSTILE,), (HOSTILE,), Action.PLAN, HOSTILE, "sha256:0")
    for line in render(report, Format.SQL).split("\n"):
        assert line in ("BEGIN;", "GRANT a TO b;", "COMMIT;", "") or line.startswith("-- ")
    for form in Format:
        assert not set(render(report, form)) & set("\r\x1b\u2028\u202e\u200b")


def test_sql_and_json_hold_statements_exactly_and_text_shows_what_is_invisible() -> None:
    report = replace(PLAN, statements=(Statement(f'GRANT a TO "{HOSTILE}"', "declared"),))
    assert f'GRANT a TO "{HOSTILE}";' in render(report, Format.SQL)
    assert json.loads(render(report, Format.JSON))["changes"][0]["sql"] == f'GRANT a TO "{HOSTILE}"'
    assert r"x\n" in render(report, Format.TEXT)
    assert r"\u202e" in render(report, Format.TEXT)


@pytest.mark.parametrize("text", ["plain", "Ünïcode \U0001f37a", 'O\'Brien \\ "x"', "שלום"])
def test_what_is_visible_stays_as_it_is(text: str) -> None:
    assert escaped(text) == text


def test_reasons_are_left_out_unless_asked_for() -> None:
    text = render(replace(PLAN, statements=(ELSEWHERE, GRANT)), Format.TEXT)
    assert "because" not in text
    assert "      in the database wines\n" in text
