"""Who may do what in the database, seen in Terraform's plans, and watched over; the tests run in this order."""

import json
import time
import zipfile
from typing import Any

import botocore.exceptions
import pytest

from devtools.errors import UserError
from rehearsal.terraform import TerraformError
from tests.support.documents import beers
from tests.support.rehearsal import Rehearsal, changes_of, quiet, superuser

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(900)]

SCHEDULE = "taproom-dev-access-verify"
BY_HAND = "GRANT DELETE ON beers.beers TO beers_reader"
MENDED = 'REVOKE DELETE ON TABLE "beers"."beers" FROM "beers_reader'


def planned_access(rehearsal: Rehearsal, **variables: object) -> str:
    """What a plan shows of the database's access."""
    environment = rehearsal.deployment.environment
    plan = environment.plan({**rehearsal.deployment.variables(rehearsal.digest), **variables}, "dev.tfvars")
    assert plan, "there is something to do"
    shown: str = plan["output_changes"]["access_plan"]["after"]
    return shown


def by_hand(rehearsal: Rehearsal, statement: str) -> None:
    with superuser(rehearsal) as connection:
        connection.run(statement)


def reader_may_delete(rehearsal: Rehearsal) -> bool:
    with superuser(rehearsal) as connection:
        return bool(connection.run("SELECT has_table_privilege('beers_reader', 'beers.beers', 'DELETE')") == [[True]])


def wait_for_alarm(rehearsal: Rehearsal, name: str, state: str) -> None:
    deadline = time.monotonic() + 20
    while (found := alarms(rehearsal)[f"taproom-dev-access-{name}"]) != state:
        assert time.monotonic() < deadline, f"the alarm {name} is {found}"
        time.sleep(0.2)


def alarms(rehearsal: Rehearsal) -> dict[str, str]:
    described = rehearsal.aws("cloudwatch").describe_alarms()["MetricAlarms"]
    return {alarm["AlarmName"]: alarm["StateValue"] for alarm in described}


def test_the_first_apply_shows_what_it_did_in_the_database(rehearsal: Rehearsal) -> None:
    digest, _, rest = rehearsal.outputs["access_plan"].partition("\n")
    assert digest.startswith("-- plan sha256:")
    assert 'CREATE ROLE "beers_owner"' in rest
    assert rest.count(";\n") + 1 == len(rehearsal.outputs["access_report"]["changes"])


def test_a_second_plan_is_empty(rehearsal: Rehearsal) -> None:
    assert rehearsal.deployment.plan_environment(rehearsal.digest) is None


def test_nothing_is_drift_after_an_apply_and_the_schedule_finds_none(rehearsal: Rehearsal) -> None:
    wait_for_alarm(rehearsal, "drift", "OK")
    rehearsal.run.invoke_schedule(SCHEDULE)
    wait_for_alarm(rehearsal, "not-verified", "OK")
    assert alarms(rehearsal)["taproom-dev-access-drift"] == "OK"


def test_what_was_granted_by_hand_sets_off_the_alarm_when_the_schedule_fires(rehearsal: Rehearsal) -> None:
    by_hand(rehearsal, BY_HAND)
    rehearsal.run.invoke_schedule(SCHEDULE)
    wait_for_alarm(rehearsal, "drift", "ALARM")
    assert alarms(rehearsal)["taproom-dev-access-verify-failed"] == "OK"


def test_an_apply_refuses_whatever_its_plan_did_not_show(rehearsal: Rehearsal) -> None:
    shown = planned_access(rehearsal)
    assert any(line.startswith(MENDED) for line in shown.splitlines())
    by_hand(rehearsal, "GRANT INSERT ON beers.beers TO beers_reader")
    with pytest.raises(TerraformError, match="The plan is not the reviewed one"):
        rehearsal.deployment.environment.apply_planned(quiet)
    assert reader_may_delete(rehearsal), "nothing was done"
    by_hand(rehearsal, "REVOKE INSERT ON beers.beers FROM beers_reader")


def test_an_apply_of_what_was_shown_mends_it_and_the_alarm_is_over(rehearsal: Rehearsal) -> None:
    planned_access(rehearsal)
    rehearsal.deployment.environment.apply_planned(quiet)
    assert not reader_may_delete(rehearsal)
    wait_for_alarm(rehearsal, "drift", "OK")


def test_the_same_again_is_shown_again_and_mended_again(rehearsal: Rehearsal) -> None:
    before = rehearsal.deployment.environment.outputs()["access_plan"]
    by_hand(rehearsal, BY_HAND)
    shown = planned_access(rehearsal)
    assert shown != before
    assert shown.splitlines()[1:] == before.splitlines()[1:]
    rehearsal.deployment.environment.apply_planned(quiet)
    assert not reader_may_delete(rehearsal)


def test_a_document_that_cannot_be_carried_out_is_refused_while_planning(rehearsal: Rehearsal) -> None:
    access = beers()
    access["roles"]["beers_reader"] = {"schemas": {"beers": "read"}, "member_of": ["beers_reader"]}
    with pytest.raises(TerraformError) as refused:
        planned_access(rehearsal, access=access)
    said = " ".join(str(refused.value).replace("│", " ").split())
    assert "The access document cannot be carried out on database beers; nothing was changed." in said
    assert "beers_reader -> beers_reader is a circle; remove one of its memberships" in said


def test_without_a_preview_an_apply_does_what_is_needed_and_with_one_again_it_settles_at_once(
    rehearsal: Rehearsal,
) -> None:
    environment, variables = rehearsal.deployment.environment, rehearsal.deployment.variables(rehearsal.digest)
    by_hand(rehearsal, BY_HAND)
    environment.apply({**variables, "preview_access": False}, quiet, "dev.tfvars")
    assert not reader_may_delete(rehearsal)
    assert environment.plan({**variables, "preview_access": False}, "dev.tfvars") is None
    environment.apply(variables, quiet, "dev.tfvars")
    assert rehearsal.deployment.plan_environment(rehearsal.digest) is None


def test_a_plan_is_not_asked_of_a_function_that_is_about_to_be_replaced(rehearsal: Rehearsal) -> None:
    with zipfile.ZipFile(rehearsal.run.package, "a") as package:
        package.writestr("another_version", "")
    plan = rehearsal.deployment.plan_environment(rehearsal.digest)
    assert plan
    asked = "module.database_access.data.aws_lambda_invocation.plan[0]"
    assert [c["change"]["actions"] for c in plan["resource_changes"] if c["address"] == asked] == [["read"]]
    functions = ("bootstrap", "planner", "rotation", "rotation_watch")
    assert changes_of(plan) == {
        **{f"module.database_access.module.{name}.aws_lambda_function.this": ["update"] for name in functions},
        "module.database_access.aws_lambda_invocation.apply": ["delete", "create"],
    }
    rehearsal.deployment.environment.apply_planned(quiet)
    assert rehearsal.deployment.plan_environment(rehearsal.digest) is None


def test_the_function_that_plans_may_not_write_a_secret_and_knows_no_apply(rehearsal: Rehearsal) -> None:
    functions = rehearsal.aws("lambda")
    function = functions.get_function_configuration(FunctionName="taproom-dev-access-plan")
    secrets = rehearsal.aws_as(function["Role"], "secretsmanager")
    for arn in rehearsal.outputs["login_secret_arns"].values():
        for call, arguments in ((secrets.put_secret_value, {"SecretString": "{}"}), (secrets.get_secret_value, {})):
            with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
                call(SecretId=arn, **arguments)
    event = {"action": "apply", "document": beers()}
    answer: Any = functions.invoke(FunctionName="taproom-dev-access-plan", Payload=json.dumps(event))
    assert "This function cannot apply" in answer["Payload"].read().decode()


def test_a_look_that_fails_sets_off_an_alarm_of_its_own(rehearsal: Rehearsal) -> None:
    functions = rehearsal.aws("lambda")
    functions.invoke(FunctionName="taproom-dev-access-plan", Payload=json.dumps({"action": "verify"}))
    wait_for_alarm(rehearsal, "verify-failed", "ALARM")


def test_an_event_that_nobody_waits_for_and_a_function_failed_at_three_times_is_told_to_people(
    rehearsal: Rehearsal,
) -> None:
    functions = {function["FunctionName"] for function in rehearsal.aws("lambda").list_functions()["Functions"]}
    assert len(functions) == 4
    for name in functions:
        rehearsal.aws("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b"[]")
    deadline = time.monotonic() + 60
    while {event["function"] for event in given_up(rehearsal)} != functions:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    (topic,) = (topic["TopicArn"] for topic in rehearsal.aws("sns").list_topics()["Topics"])
    assert {(event["dead_letter_target"], event["delivered"]) for event in given_up(rehearsal)} == {(topic, True)}


def given_up(rehearsal: Rehearsal) -> list[dict[str, Any]]:
    return rehearsal.journal("function.retries_exhausted")


def test_a_schedule_that_is_not_there_is_named_with_those_that_are(rehearsal: Rehearsal) -> None:
    with pytest.raises(UserError, match=f"There is no schedule nobody; there is .*{SCHEDULE}"):
        rehearsal.run.invoke_schedule("nobody")
