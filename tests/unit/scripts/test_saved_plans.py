"""The report that an approver reads, and the plans that an apply refuses."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scripts.deployment import report, saved_plan
from scripts.environment import RefusedError, failure

PLANNED = saved_plan.Metadata("prod", "c" * 40, "image@sha256:a", "f" * 64, "lineage", 7, 1000.0)
DAY = 24 * 3600
OTHER = "would change differently"
SQL = """
    --- approved
    +++ now
    @@ -1 +1 @@
    --- plan 1
    +-- plan 2
    @@ -2,0 +3 @@
    +REVOKE b;"""


def shown(*changes: dict[str, Any], **outputs: Any) -> dict[str, Any]:
    return {
        "resource_changes": list(changes),
        "planned_values": {"outputs": {name: {"value": value} for name, value in outputs.items()}},
        "output_changes": {
            name: {"actions": ["update"], "before": None, "after": value} for name, value in outputs.items()
        },
    }


def change(address: str, *actions: str, unknown: Any = None, **values: tuple[Any, Any]) -> dict[str, Any]:
    """Return a resource's change; values are pairs, before and after."""
    before, after = ({name: pair[side] for name, pair in values.items()} for side in (0, 1))
    made = {
        "before": None if actions == ("create",) else before,
        "after": None if actions == ("delete",) else after,
        "after_unknown": unknown or {},
    }
    return {"address": address, "type": address.split(".")[-2], "change": {"actions": list(actions), **made}}


RETENTION = change("aws_cloudwatch_log_group.x", "update", retention_in_days=(1, 90), name=("x", "x"))


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        ({}, None),
        ({"planned_at": 1000.0 + DAY}, None),
        ({"planned_at": 1001.0 + DAY}, "more than a day ago"),
        ({"planned_at": 999.0}, "more than a day ago"),
        ({"environment": "staging"}, "made for the environment prod, and this is staging"),
        ({"commit": "d" * 40}, "made for the commit cccc"),
        ({"image": "image@sha256:b"}, "made for the image image@sha256:a"),
        ({"function": "e" * 64}, "made for the function ffff"),
        ({"serial": 9}, "the state has number 9, and had 7"),
        ({"lineage": "other"}, "Another apply"),
    ],
)
def test_a_plan_fits_only_what_it_was_made_for_and_for_a_day(now: dict[str, Any], sentence: str | None) -> None:
    wrong = saved_plan.outdated(PLANNED, replace(PLANNED, **now))
    assert (wrong == []) if sentence is None else (len(wrong) == 1 and sentence in wrong[0])


def test_an_archive_is_unpacked_only_if_it_is_the_one_that_was_packed() -> None:
    archive = saved_plan.pack(b"plan", PLANNED)
    assert saved_plan.unpack(archive, "") == (b"plan", PLANNED)
    with pytest.raises(ValueError, match=f"{'0' * 64} was approved"):
        saved_plan.unpack(archive, "0" * 64)
    with pytest.raises(ValueError, match="not an archive"):
        saved_plan.unpack(b"PK", "")


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (shown(RETENTION), shown(RETENTION), {}),
        (shown(), shown(RETENTION), {"aws_cloudwatch_log_group.x": "would change too: retention_in_days"}),
        (shown(RETENTION), shown(), {"aws_cloudwatch_log_group.x": "would change no more: retention_in_days"}),
        (shown(change("a.b", "update", x=(1, 2))), shown(change("a.b", "update", x=(3, 2))), {"a.b": f"{OTHER}: x"}),
        (shown(change("a.b", "update")), shown(change("a.b", "delete", "create")), {"a.b": f"{OTHER}: actions"}),
        # What autoscaling set, and when the function was updated last, are not differences.
        (shown(change("a.b", "update", x=(1, 2), y=(3, 3))), shown(change("a.b", "update", x=(1, 2), y=(4, 4))), {}),
        (
            shown(change("a.b", "update", unknown={"x": True}, x=(1, None))),
            shown(change("a.b", "update", unknown={"x": True}, x=(2, None))),
            {},
        ),
        (shown(change("a.b", "no-op", x=(1, 1))), shown(change("a.b", "no-op", x=(2, 2))), {}),
        (shown(url="a"), shown(url="b"), {"output.url": f"{OTHER}: value"}),
        (
            shown(access_plan="-- plan 1\nGRANT a;"),
            shown(access_plan="-- plan 2\nGRANT a;\nREVOKE b;"),
            {"sql": f"would be other statements:{SQL}"},
        ),
    ],
)
def test_differences_between_two_plans_are_named(
    before: dict[str, Any], after: dict[str, Any], found: dict[str, str]
) -> None:
    assert saved_plan.differences(before, after) == found


@pytest.mark.parametrize(
    ("found", "accepted", "reason", "wrong"),
    [
        ([], "", "", []),
        (["sql"], "", "", ["An apply accepts no difference."]),
        (["sql", "a.b"], "a.b\nsql", "Incident 7", []),
        (["sql", "a.b"], "sql", "Incident 7", ["a.b differs, and is not accepted."]),
        (["sql"], "sql a.b", "Incident 7", ["a.b is accepted, and does not differ."]),
        (["sql"], "sql", " ", ["ACCEPT needs a REASON."]),
    ],
)
def test_exactly_the_named_differences_are_accepted_and_with_a_reason(
    found: list[str], accepted: str, reason: str, wrong: list[str]
) -> None:
    assert saved_plan.unacceptable(found, accepted, reason) == wrong


def test_a_report_begins_with_access_then_replacements_and_prices_and_has_the_sql_before_terraforms_text() -> None:
    plan = report.Plan(
        "prod",
        True,
        "  + ```\n  + a",
        shown(
            change("aws_db_instance.this", "update", instance_class=("db.a", "db.b"), multi_az=(True, True)),
            change("module.network.aws_nat_gateway.this", "create"),
            change("aws_ecs_task_definition.x", "create", "delete", cpu=("256", "512")),
            change("aws_sqs_queue.x", "delete"),
            access_summary=["*carol* loses SELECT."],
            access_plan="REVOKE",
        ),
    )
    made = report.section(plan, "prod")
    assert made.split("<details>")[0] == (
        "## prod\n\nAn apply would change something.\n\n- \\*carol\\* loses SELECT.\n\nReplaced:\n\n"
        "- `aws_ecs_task_definition.x`\n\nDestroyed:\n\n- `aws_sqs_queue.x`\n\n"
        "| what costs | | before | after |\n| --- | --- | --- | --- |\n"
        "| `aws_db_instance.this` | instance_class | db.a | db.b |\n"
        "| `module.network.aws_nat_gateway.this` | | none | 1 |\n"
        "| `aws_ecs_task_definition.x` | cpu | 256 | 512 |\n\n"
        "Resources: 1 create, 1 create/delete, 1 delete, 1 update.\n\n"
    )
    assert made.index("```sql\nREVOKE\n```") < made.index("````text\n+ ```")
    assert "Not applied yet" in report.section(None, "prod")


@pytest.mark.parametrize("count", [1, 3])
def test_long_plans_are_cut_to_one_comment_and_terraforms_text_first(count: int) -> None:
    long = shown(access_plan="y" * 10_000)
    plans = {str(n): report.Plan(str(n), True, "x" * 10**6, long) for n in range(count)}
    made = report.report({**plans, "new": None})
    assert 55_000 * count / (count + 1) < len(made) < 65_536
    assert made.count("y" * 10_000) == made.count("... cut") == count


def test_sql_of_an_earlier_apply_is_not_shown_as_to_be_run() -> None:
    plan = shown(access_plan="-- plan 1\nGRANT a;")
    assert saved_plan.sql_of(plan) == "-- plan 1\nGRANT a;"
    assert saved_plan.sql_of({}).startswith("-- known only once")
    values = {"result": '{"in_sync": true, "summary": ["Access does not change."]}'}
    asked = {"mode": "data", "type": "aws_lambda_invocation", "values": values}
    idle = {"prior_state": {"values": {"root_module": {"child_modules": [{"resources": [asked]}]}}}}
    assert saved_plan.sql_of(plan | idle) == "-- nothing to do"
    assert saved_plan.sentences_of(shown(access_summary=["a gains b."])) == ["a gains b."]
    assert saved_plan.sentences_of(shown(access_summary=["a gains b."]) | idle) == ["Access does not change."]


def test_a_locked_and_a_changed_state_say_what_to_do() -> None:
    locked = (
        "Error: Error acquiring the state lock\n│ Lock Info:\n│   ID:        d1e0\n│   Operation: OperationTypeApply\n"
        "│   Who:       runner@host\n│   Created:   2026-11-29 06:00:00 UTC\n"
    )
    for output, sentences in (
        (locked, ("runner@host holds the lock", "taken at 2026-11-29 06:00:00 UTC", "=build/a force-unlock d1e0")),
        ("Error: Saved plan is stale", ("Another apply has changed the state", "Plan again")),
        ("Error: creating IAM Role: EntityAlreadyExists\n with module.a.b.c,", ("with module.a.b.c", "Import it")),
    ):
        error = failure("apply", output, Path("build/a").absolute())
        assert isinstance(error, RefusedError) != ("AlreadyExists" in output)
        assert all(sentence in str(error) for sentence in sentences)
    assert str(failure("plan", "Error: other")) == "terraform plan failed.\nError: other"
