"""A rehearsal is proven like an account, in place and by a temporary environment; what does not hold is disproved."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from devtools.checkout import CHECKOUT
from rehearsal.aws import assume_role
from rehearsal.deployment import locks
from scripts.prove.rehearsed import variables
from tests.support.local_aws import allow, policy
from tests.support.rehearsal import Rehearsal, apply, master

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(1800)]

LEAKED = "/ecs/taproom-dev-leaked"


def start(rehearsal: Rehearsal, **more: str) -> subprocess.Popen[str]:
    """Start the command, of which the report goes into the run's folder."""
    given = {**os.environ, **variables(rehearsal.run.folder), "OUTPUT": str(rehearsal.run.folder / "proof"), "YES": "1"}
    command, pipe = [sys.executable, "-m", "scripts.prove"], subprocess.PIPE
    return subprocess.Popen(
        command, cwd=CHECKOUT, env={**given, **more}, start_new_session=True, stdout=pipe, stderr=pipe, text=True
    )


def prove(rehearsal: Rehearsal, only: str = "", **more: str) -> tuple[int, dict[str, Any]]:
    """Return the command's exit code, and its report; by default, of a proof in place."""
    report = rehearsal.run.folder / "proof" / "dev" / "report.json"
    report.unlink(missing_ok=True)
    child = start(rehearsal, **{"ONLY": only, "IN_PLACE": "1", **more})
    said = child.communicate()
    assert report.exists(), said
    found: dict[str, Any] = json.loads(report.read_text())
    return child.returncode, found


@pytest.mark.nightly
@pytest.mark.aws("ECS-17")
def test_every_claim_is_proven_about_a_rehearsal(rehearsal: Rehearsal) -> None:
    apply(rehearsal)  # with the inputs of its variable file, which other tests change
    before = rehearsal.sql("SELECT count(*) FROM beers.beers")
    code, report = prove(rehearsal)
    assert [one for one in report["claims"] if one["outcome"] != "proven" and one["key"] != "ECR-2"] == []
    assert (code, report["is_proven"], report["leftovers"]) == (0, True, [])
    assert rehearsal.sql("SELECT count(*) FROM beers.beers") == before
    assert rehearsal.aws("sqs").list_queues(QueueNamePrefix="taproom-dev-prove").get("QueueUrls", []) == []


@pytest.mark.nightly
def test_an_environment_that_could_not_be_created_completely_is_destroyed_and_what_is_left_is_listed(
    rehearsal: Rehearsal,
) -> None:
    iam, role = rehearsal.aws("iam"), {"RoleName": "prover"}
    arn = iam.create_role(**role, AssumeRolePolicyDocument=json.dumps(policy(allow("sts:AssumeRole"))))["Role"]["Arn"]
    denied = {**allow(["ec2:CreateVpc", "ecs:CreateCluster", "kms:CreateKey"]), "Effect": "Deny"}
    iam.put_role_policy(**role, PolicyName="all", PolicyDocument=json.dumps(policy(allow("*"), denied)))
    before = rehearsal.run.ask("resources")
    child = start(rehearsal, **{key.upper(): value for key, value in assume_role(rehearsal.run, arn).items()})
    output, unknown = "", rehearsal.aws("sns")
    for line in child.stdout or ():
        output += line
        if "aws_iam_policy.boundary: Creation complete" in line:
            tags = [{"Key": "Project", "Value": "taproom"}, {"Key": "Environment", "Value": "prove"}]
            left = unknown.create_topic(Name="left", Tags=tags)["TopicArn"]
            assert locks(rehearsal.run) == [], "commands of the rehearsal remove no lock of a proof"
    _, errors = child.communicate()
    unknown.delete_topic(TopicArn=left)
    after = rehearsal.run.ask("resources")
    iam.delete_role_policy(**role, PolicyName="all")
    iam.delete_role(**role)
    assert (child.returncode, "not authorized to perform: kms:CreateKey" in errors) == (1, True), errors
    assert output.startswith("Creates taproom-prove from the configuration of dev")
    assert f"Left over:\n  {left}\n  Remove it with REMOVE=1, then by hand" in output
    assert after == before


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("interrupted_at", "outcomes"),
    [
        ('module.database.aws_db_instance.this["first"]: Still creating', []),
        ("[2/3]", ["proven", "not run", "not run"]),
        ("never", ["proven", "proven", "ERROR"]),
    ],
)
def test_a_temporary_environment_is_destroyed_after_ctrl_c_and_after_a_claim_that_does_not_hold(
    rehearsal: Rehearsal, interrupted_at: str, outcomes: list[str]
) -> None:
    report = rehearsal.run.folder / "proof" / "dev" / "report.json"
    report.unlink(missing_ok=True)
    before = rehearsal.run.ask("resources")
    child = start(rehearsal, ONLY="logins roles service", SERVICE_URL="http://127.0.0.1:9")
    if any(line.startswith(interrupted_at) for line in child.stdout or ()):
        os.killpg(child.pid, signal.SIGINT)  # as a terminal does
    child.communicate()
    assert (child.returncode, rehearsal.run.ask("resources")) == (1, before)
    found = json.loads(report.read_text()) if report.exists() else {"claims": [], "leftovers": []}
    assert ([one["outcome"] for one in found["claims"]], found["leftovers"]) == (outcomes, [])


@pytest.mark.nightly
def test_the_environment_of_a_killed_proof_is_refused_by_the_next_and_destroyed_by_remove(rehearsal: Rehearsal) -> None:
    before = rehearsal.run.ask("resources")
    child = start(rehearsal, ONLY="logins")
    assert any(line.startswith("[1/1]") for line in child.stdout or ())
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
    next_one = start(rehearsal, ONLY="logins")
    _, errors = next_one.communicate()
    assert (next_one.returncode, "taproom-prove exists." in errors) == (3, True), errors
    output, _ = start(rehearsal, REMOVE="1").communicate()
    assert (output.endswith("Left over:\n  nothing\n"), rehearsal.run.ask("resources")) == (True, before), output


def test_nothing_is_tried_on_a_protected_environment(rehearsal: Rehearsal) -> None:
    rds, name = rehearsal.aws("rds"), rehearsal.instance()["DBInstanceIdentifier"]
    rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=True)
    try:
        child = start(rehearsal, IN_PLACE="1")
        _, errors = child.communicate()
    finally:
        rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False)
    assert (child.returncode, "dev is protected" in errors) == (3, True), errors


@contextmanager
def everything_wrong(rehearsal: Rehearsal) -> Iterator[None]:
    """Grant by hand, log a password, silence an alarm, change a function, and let a role read another's secret."""
    logs = rehearsal.aws("logs")
    with ExitStack() as end:
        rehearsal.sql("GRANT DELETE ON beers.beers TO beers_reader")
        end.callback(rehearsal.sql, "REVOKE DELETE ON beers.beers FROM beers_reader")
        logs.create_log_group(logGroupName=LEAKED)
        end.callback(logs.delete_log_group, logGroupName=LEAKED)
        logs.create_log_stream(logGroupName=LEAKED, logStreamName="app")
        # The master's, which no claim rotates.
        leaked = f"password={master(rehearsal)['password']}"
        event = {"timestamp": round(time.time() * 1000), "message": leaked}
        logs.put_log_events(logGroupName=LEAKED, logStreamName="app", logEvents=[event])
        alarm = {"AlarmNames": ["taproom-dev-access-drift"]}
        rehearsal.aws("cloudwatch").disable_alarm_actions(**alarm)
        end.callback(rehearsal.aws("cloudwatch").enable_alarm_actions, **alarm)
        functions, rotation = rehearsal.aws("lambda"), rehearsal.outputs["rotation_function_name"]
        package = rehearsal.run.package.read_bytes()
        functions.update_function_code(FunctionName=rotation, ZipFile=package + b"changed")
        end.callback(functions.update_function_code, FunctionName=rotation, ZipFile=package)
        iam, role, inline = rehearsal.aws("iam"), {"RoleName": "taproom-dev-rotation"}, {"PolicyName": "everything"}
        boundary = iam.get_role(**role)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"]
        iam.delete_role_permissions_boundary(**role)
        end.callback(iam.put_role_permissions_boundary, **role, PermissionsBoundary=boundary)
        iam.put_role_policy(**role, **inline, PolicyDocument=json.dumps(policy(allow("secretsmanager:*"))))
        end.callback(iam.delete_role_policy, **role, **inline)
        yield


def test_a_claim_that_holds_is_proven_and_those_that_do_not_are_disproved_with_evidence(rehearsal: Rehearsal) -> None:
    claims = "plan logins service rotation task alarms artifacts roles secrets RDS-2"
    with everything_wrong(rehearsal):
        code, report = prove(rehearsal, claims, SERVICE_URL="http://127.0.0.1:9")
    assert code == 1
    evidence = {one["key"]: (one["outcome"], " ".join(one["evidence"])) for one in report["claims"]}
    assert (evidence.pop("service")[0], evidence.pop("RDS-2")[0]) == ("ERROR", "proven")
    expected = {
        "rotation": "requests failed: ",
        "task": "requests failed: ",
        "plan": "module.database_access.aws_lambda_invocation.apply",
        "logins": "beers_report: DELETE/SELECT in beers instead of SELECT in beers",
        "alarms": "do not publish to arn:aws:sns:us-east-1:123456789012:taproom-dev-alarms: taproom-dev-access-drift",
        "artifacts": "taproom-dev-rotation do not run the zip",
        "roles": "taproom-dev-rotation can secretsmanager:GetSecretValue",
        "secrets": f"is in the log {LEAKED}",
    }
    assert {key: outcome for key, (outcome, _) in evidence.items()} == dict.fromkeys(expected, "DISPROVED")
    assert {key: text for key, text in expected.items() if text not in evidence[key][1]} == {}, evidence
