"""`make psql` when it is refused, interrupted or cut off; the rehearsal opens a session."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from devtools.certificates import create_authority
from devtools.checkout import CHECKOUT
from devtools.postgres.binaries import Binaries
from scripts import psql
from tests.support.session_manager import install
from tests.support.token_database import TokenDatabase, token_database

pytestmark = pytest.mark.database

REPORT = "beers_report"
TASK = "arn:aws:ecs:us-east-1:123456789012:task/taproom-dev/0123"

# The script with an ECS that answers from a list, in a process that can be sent signals.
HARNESS = """
import json, os, sys
from pathlib import Path
import boto3
from botocore.stub import Stubber
from scripts import psql
given = json.loads(os.environ["GIVEN"])
keys = dict(aws_access_key_id=given["AccessKeyId"], aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"])
def client(service, region_name):
    made = boto3.client(service, region_name=region_name, **keys)
    if service == "ecs":
        stub = Stubber(made)
        for method, response, request in given["answers"]:
            stub.add_response(method, response, request)
        stub.activate()
    return made
psql.open_session.__kwdefaults__ = None
psql.open_session.__defaults__ = (client, Path(given["ca"]))
psql._POLL_SECONDS = 0.01
sys.exit(psql.main(os.environ))
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenDatabase]:
    statements = (f"CREATE ROLE {REPORT} LOGIN", f"GRANT rds_iam TO {REPORT}")
    with token_database(tmp_path_factory.mktemp("run"), *statements) as database:
        yield database


def task(status: str, agent: str) -> dict[str, Any]:
    container = {"runtimeId": "0123-4", "managedAgents": [{"name": "ExecuteCommandAgent", "lastStatus": agent}]}
    return {"taskArn": TASK, "lastStatus": status, "stoppedReason": "No image", "containers": [container]}


def start(
    database: TokenDatabase,
    folder: Path,
    *tasks: dict[str, Any],
    ca_file: Path | None = None,
    more: dict[str, str] | None = None,
) -> "subprocess.Popen[str]":
    """Start the script as an analyst whose role can log in for reports."""
    install(folder)
    variables = {
        "DATABASE_HOST": database.host,
        "DATABASE_PORT": str(database.port),
        "DATABASE_NAME": "beers",
        "LOGINS": REPORT,
        "PUBLIC_ADDRESS": "DISABLED",
        "SECURITY_GROUP": "sg-1",
        "SUBNETS": "subnet-1 subnet-2",
    }
    environment = [{"name": name, "value": value} for name, value in variables.items()]
    definition = {"taskDefinition": {"containerDefinitions": [{"environment": environment}]}}
    tunnel = psql.tunnel("taproom-dev", definition["taskDefinition"])
    one = {"cluster": "taproom-dev", "tasks": [TASK]}
    stopped = {"cluster": "taproom-dev", "task": TASK, "reason": "The session has ended"}
    answers = [
        ("describe_task_definition", definition, {"taskDefinition": "taproom-dev-psql"}),
        ("run_task", {"tasks": [{"taskArn": TASK}], "failures": []}, psql.task_request(tunnel, REPORT)),
        *(("describe_tasks", {"tasks": [found]}, one) for found in tasks),
        ("stop_task", {}, stopped),
    ]
    keys = database.role(f"analyst-{folder.name}"[:60], database.user_arn(REPORT))
    given = {
        "answers": answers,
        "ca": str(ca_file or database.aws.context.authority.ca_file),
        **{name: keys[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")},
    }
    return subprocess.Popen(
        [sys.executable, "-c", HARNESS],
        cwd=CHECKOUT,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PG"))},
            "PATH": f"{folder}:{Binaries.find().folder}:{os.environ['PATH']}",
            "SEEN": str(folder / "seen"),
            "GIVEN": json.dumps(given),
            "ENVIRONMENT": "dev",
            "LOGIN": REPORT,
            "AWS_REGION": "us-east-1",
            **(more or {}),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


RUNNING = (task("PENDING", "PENDING"), task("RUNNING", "RUNNING"))


def test_a_server_that_no_known_authority_signed_gets_no_token(database: TokenDatabase, tmp_path: Path) -> None:
    other = create_authority(tmp_path / "other").ca_file
    child = start(database, tmp_path, *RUNNING, ca_file=other)
    _, errors = child.communicate("", timeout=60)
    assert child.returncode == 2
    assert "certificate verify failed" in errors
    assert "Stopped the task." in errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_and_a_closed_terminal_leave_no_task_and_no_forwarded_port(
    number: signal.Signals, database: TokenDatabase, tmp_path: Path
) -> None:
    child = start(database, tmp_path, *RUNNING)
    assert child.stdin
    child.stdin.write(f"SELECT pg_sleep(60), '{number.name}';\n")
    child.stdin.flush()
    database.wait_for_sleep(REPORT, number.name)
    os.killpg(child.pid, number)  # as a terminal does
    _, errors = child.communicate(timeout=120)
    assert ("canceling statement due to user request" in errors) is (number == signal.SIGINT), (
        "the port outlives Ctrl-C"
    )
    assert child.returncode != 0
    assert "Stopped the task." in errors
    assert not psutil.pid_exists(json.loads((tmp_path / "seen").read_text())[0])


@pytest.mark.parametrize(
    ("tasks", "more", "sentence"),
    [
        ((task("STOPPED", "STOPPED"),), {}, "The task stopped: No image."),
        (RUNNING, {"REFUSE": "1"}, "TargetNotConnected"),
    ],
)
def test_a_session_that_does_not_start_stops_its_task_and_says_why(
    tasks: tuple[dict[str, Any], ...], more: dict[str, str], sentence: str, database: TokenDatabase, tmp_path: Path
) -> None:
    child = start(database, tmp_path, *tasks, more=more)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 1
    assert sentence in errors
    assert "Stopped the task." in errors


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"LOGIN": "beers_app"}, "These are: ['beers_report']"),
        ({"LOGIN": ""}, "Set LOGIN"),
        ({"ENVIRONMENT": ""}, "Set ENVIRONMENT"),
        ({"PATH": "/nowhere"}, "psql is not on the PATH"),
    ],
)
def test_what_is_missing_is_named_before_a_task_starts(
    more: dict[str, str], sentence: str, database: TokenDatabase, tmp_path: Path
) -> None:
    child = start(database, tmp_path, more=more)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 1
    assert sentence in errors
    assert "task" not in errors.lower().replace("make psql", "")
