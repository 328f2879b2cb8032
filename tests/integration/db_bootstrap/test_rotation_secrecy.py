"""The function as Lambda runs it, in a process with a separate environment: what it says, and what it never says."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from db_bootstrap.credentials.rotation import Step
from tests.support.access import Access
from tests.support.rotation import STEPS, RotatedLogins, SecretsManager

pytestmark = pytest.mark.database

# Reads an event a line, and invokes the handler with it. The function's output goes to standard output, and a
# traceback of what it raises to standard error, as Lambda would log both; then comes a line with the name of the error.
PROGRAM = """
import json, sys, traceback
from types import SimpleNamespace
from db_bootstrap.lambdas.rotate import rotate

context = SimpleNamespace(function_name="rotation", memory_limit_in_mb=512, aws_request_id="1",
                          invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:rotation",
                          get_remaining_time_in_millis=lambda: 180000)
for line in sys.stdin:
    try:
        answer = rotate(json.loads(line), context)
    except Exception as error:
        traceback.print_exc()
        answer = type(error).__name__
    print(json.dumps({"answer": answer}), flush=True)
"""


class Function:
    """A running rotation function.

    Attributes:
        logged: What it has logged, a record a line.
    """

    def __init__(self, logins: RotatedLogins, errors: Path) -> None:
        self.logins = logins
        self.logged: list[dict[str, Any]] = []
        self._errors = errors
        endpoint = logins.cellar.endpoint
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "AWS_ENDPOINT_URL": logins.manager.endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "none",
            "DATABASE_HOST": endpoint.host,
            "DATABASE_PORT": str(endpoint.port),
            "DATABASE_NAME": endpoint.database,
            "DATABASE_CA_FILE": str(endpoint.ca_file),
            "MASTER_SECRET_ARN": logins.master_arn,
            "ROTATED_LOGINS": json.dumps({logins.cellar.role(name): arn for name, arn in logins.arns.items()}),
            "POWERTOOLS_LOG_LEVEL": "DEBUG",
            "POWERTOOLS_SERVICE_NAME": "rotation",
        }
        with errors.open("w") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )

    def invoke(self, step: Step, token: str, name: str = "app", **changes: str) -> Any:
        """Return what it answers, or the name of the error that it ended with."""
        event = {"Step": step, "SecretId": self.logins.arns[name], "ClientRequestToken": token, **changes}
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{json.dumps(event)}\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            entry = json.loads(line)
            if "answer" in entry:
                return entry["answer"]
            self.logged.append(entry)
        raise AssertionError(self._errors.read_text())

    def everything_said(self) -> str:
        return json.dumps(self.logged) + self._errors.read_text()


@pytest.fixture
def function(cellar: Access, manager: SecretsManager, tmp_path: Path) -> Iterator[Function]:
    running = Function(RotatedLogins(cellar, manager), tmp_path / "errors.txt")
    yield running
    running.process.communicate(timeout=120)
    assert running.process.returncode == 0


def test_each_step_is_logged_with_the_secret_the_version_and_the_login_roles(function: Function) -> None:
    logins = function.logins
    logins.by_hand("ALTER ROLE {other} NOLOGIN")
    token, before = logins.begin(), logins.manager.holder(logins.arns["app"], "AWSCURRENT")
    answers = [function.invoke(step, token, RotationToken="none of our business") for step in STEPS]
    assert [answer["outcome"] for answer in answers] == ["done"] * 4
    common = {
        "secret_arn": logins.arns["app"],
        "version_id": token,
        "login": logins.cellar.role("app"),
        "service": "rotation",
    }
    assert all(common.items() <= record.items() for record in function.logged)
    done = [record for record in function.logged if record["message"] == "Rotation step completed"]
    assert [record["step"] for record in done] == list(STEPS)
    assert {record["username"] for record in done} == {logins.cellar.role("app_b")}
    assert done[-1]["replaced"] == before
    repaired = [record for record in function.logged if record["message"] == "Login role repaired"]
    assert [record["sql"] for record in repaired] == [f'ALTER ROLE "{logins.cellar.role("app_b")}" LOGIN']
    assert repaired[0]["level"] == "WARNING"
    assert logins.logs_in()


def test_no_password_reaches_a_log_the_servers_statistics_or_an_error(function: Function) -> None:
    logins = function.logins
    passwords = {logins.cellar.database.password, logins.content()["password"]}
    # It knows the statement by which the test's own master got its password.
    logins.cellar.as_superuser("CREATE EXTENSION pg_stat_statements", "SELECT pg_stat_statements_reset()")

    def step(step: Step, token: str) -> Any:
        answer = function.invoke(step, token)
        stage = "AWSPENDING" if "AWSPENDING" in str(logins.manager.labels(logins.arns["app"])) else "AWSCURRENT"
        if step is not Step.CREATE or isinstance(answer, dict):
            passwords.add(logins.content(stage=stage)["password"])
        return answer

    # The server refuses to set the password; then the test is refused, because another one is set.
    token = logins.begin()
    step(Step.CREATE, token)
    logins.by_hand("ALTER ROLE {other} SUPERUSER")
    assert step(Step.SET, token) == "StatementError"
    logins.by_hand("ALTER ROLE {other} NOSUPERUSER")
    assert step(Step.TEST, token) == "RefusedLoginError"
    step(Step.SET, token)
    logins.by_hand("ALTER ROLE {other} CONNECTION LIMIT 0")
    assert step(Step.FINISH, token) == "NotReadyError"
    for again in STEPS:
        step(again, token)
    logins.manager.conclude(logins.arns["app"], token)
    # Values that cannot be used are not shown.
    unusable = ("not-json-hunter2", '{"username": "root", "password": "hunter2"}', '["hunter2"]')
    for value in unusable:
        logins.put(value)
        token = logins.begin()
        assert function.invoke(Step.CREATE, token) == "SecretError"
        logins.manager.client.update_secret_version_stage(
            SecretId=logins.arns["app"], VersionStage="AWSPENDING", RemoveFromVersionId=token
        )
    assert len(passwords) == 3, "the master's, the first one and the one rotated to"
    statistics = str(logins.cellar.as_superuser("SELECT query FROM pg_stat_statements"))
    log = logins.cellar.database.cluster.log.read_text()
    assert "SCRAM-SHA-256" in log, "the log does see the statements"
    assert "SCRAM-SHA-256" in statistics
    assert "Traceback" in function.everything_said()
    for place in (log, statistics, function.everything_said()):
        assert "hunter2" not in place
        for password in passwords:
            for form in (password, base64.b64encode(password.encode()).decode(), password.encode().hex()):
                assert form not in place
