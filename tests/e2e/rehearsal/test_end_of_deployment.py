"""After all tests of the one deployment there is no password anywhere, and nothing remains after the destroy."""

import json
import subprocess
from pathlib import Path

import psutil
import pytest

from rehearsal import deployment
from tests.support.rehearsal import Rehearsal, quiet
from tests.support.statements import Statements, unneeded

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(1800)]


def test_no_password_is_in_the_state_the_plan_an_output_a_log_or_a_command_line(rehearsal: Rehearsal) -> None:
    passwords = rehearsal.secret_values()
    assert len(passwords) >= 4, "the master's, both logins', and the write token"
    rehearsal.deployment.plan_environment(rehearsal.digest)
    plan = rehearsal.deployment.environment.root / "rehearsal.tfplan"
    read = subprocess.run(["unzip", "-p", str(plan)], capture_output=True, check=True).stdout
    logs = [path for path in rehearsal.run.logs.rglob("*") if path.is_file() and not path.is_symlink()]
    places = {
        "the state": rehearsal.deployment.environment.state(),
        "the outputs": json.dumps(rehearsal.outputs),
        "the plan": read.decode(errors="replace"),
        "the command lines": "\n".join(
            " ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])
        ),
        **{str(path): path.read_text(errors="replace") for path in logs},
    }
    assert any("functions" in place for place in places), "the function's log was read"
    assert any("tasks" in place for place in places), "the tasks' logs were read"
    assert any("postgresql" in place for place in places), "the server's log was read"
    assert [place for place, text in places.items() if any(password in text for password in passwords)] == []


def test_the_destroy_leaves_no_resource_and_no_process(rehearsal: Rehearsal, statements_folder: Path) -> None:
    statements = Statements()
    statements.add_declared(rehearsal.deployment.account, rehearsal.deployment.environment)
    rehearsal.deployment.destroy(quiet)
    statements.add_decisive(rehearsal.run.logs)
    statements.save(statements_folder, "dev")
    deployment.check_nothing_is_left(rehearsal.run)
    deployment.stop_local_aws(rehearsal.run)
    assert rehearsal.run.left_running() == []


def test_each_policy_statement_has_decided_a_request(statements_folder: Path) -> None:
    assert unneeded(statements_folder) == set()
