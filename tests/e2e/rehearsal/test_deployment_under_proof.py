"""A rehearsal is proven like an account; and claims that do not hold are disproved."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from devtools.checkout import CHECKOUT
from scripts.prove.rehearsed import variables
from tests.support.local_aws import allow, policy
from tests.support.rehearsal import Rehearsal, apply, master

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(1800)]

LEAKED = "/ecs/taproom-dev-leaked"


def prove(rehearsal: Rehearsal, only: str = "", **more: str) -> tuple[int, dict[str, Any]]:
    """Return the command's exit code, and its report."""
    output = rehearsal.run.folder / "proof"
    report = output / "dev" / "report.json"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "scripts.prove"]
    given = {**os.environ, **variables(rehearsal.run.folder), "OUTPUT": str(output), "YES": "1", "ONLY": only, **more}
    done = subprocess.run(command, cwd=CHECKOUT, env=given, capture_output=True, text=True, check=False)
    assert report.exists(), done.stdout + done.stderr
    found: dict[str, Any] = json.loads(report.read_text())
    return done.returncode, found


@pytest.mark.aws("ECS-17")
@pytest.mark.parametrize(
    "only", ["logins alarms artifacts roles service secrets", pytest.param("", marks=pytest.mark.nightly, id="all")]
)
def test_every_claim_is_proven_about_a_rehearsal(rehearsal: Rehearsal, only: str) -> None:
    apply(rehearsal)  # with the inputs of its variable file, which other tests change
    before = rehearsal.sql("SELECT count(*) FROM beers.beers")
    code, report = prove(rehearsal, only)
    assert [one for one in report["claims"] if one["outcome"] != "proven" and one["key"] != "ECR-2"] == []
    assert (code, report["is_proven"], report["leftovers"]) == (0, True, [])
    assert rehearsal.sql("SELECT count(*) FROM beers.beers") == before
    assert rehearsal.aws("sqs").list_queues(QueueNamePrefix="taproom-dev-prove").get("QueueUrls", []) == []


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


def test_claims_that_do_not_hold_are_disproved_with_evidence(rehearsal: Rehearsal) -> None:
    with everything_wrong(rehearsal):
        nowhere = "http://127.0.0.1:9"
        code, report = prove(
            rehearsal, "plan logins service rotation task alarms artifacts roles secrets", SERVICE_URL=nowhere
        )
    assert code == 1
    evidence = {one["key"]: (one["outcome"], " ".join(one["evidence"])) for one in report["claims"]}
    assert evidence.pop("service")[0] == "ERROR"
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
