"""Rehearsals that are interrupted, killed, or lack a prerequisite. The first four tests are one story."""

import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from devtools.ports import is_free
from devtools.terraform.program import is_terraform
from rehearsal.deployment import locks
from rehearsal.run import Run
from tests.support.journal import journal_events
from tests.support.rehearsal_command import command, ended, output_until
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("interruptions") / "a run"
    yield folder
    Run(folder).clear()


@pytest.fixture(scope="module")
def second_up(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run `up` after the one that was killed."""
    process = command(folder, "up")
    yield process
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.communicate()


def wait_for_call(folder: Path, operation: str) -> None:
    """Wait until an apply is well under way: Terraform has called an operation, and runs."""
    wait_until(
        lambda: any(event["operation"] == operation for event in journal_events(Run(folder).logs, "api.call")),
        operation,
        seconds=300,
    )


def processes_of(folder: Path) -> list[list[str]]:
    commands = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    return [argv for argv in commands if any(str(folder) in argument for argument in argv)]


def test_another_up_is_refused_while_the_terraform_of_a_killed_one_runs(folder: Path) -> None:
    process = command(folder, "up")
    output_until(process, "Apply terraform/environment ...")
    wait_for_call(folder, "CreateDBInstance")
    process.kill()
    process.communicate()
    assert len(Run(folder).left_running()) >= 2, "the local AWS and Terraform outlive the command that was killed"
    assert "Another command is changing the rehearsal in this folder. Wait for it, or" in ended(folder, "up")[1]
    assert Run(folder).is_running(), "the refused command ends nothing"


def test_up_removes_the_lock_of_a_terraform_that_was_killed(folder: Path) -> None:
    for orphan in filter(is_terraform, Run(folder).left_running()):
        orphan.kill()
        orphan.wait()
    again = command(folder, "up")
    output_until(again, "A Terraform that was killed had left taproom/dev.tfstate.tflock; removed it.")
    output_until(again, "Apply terraform/environment ...")
    wait_until(lambda: locks(Run(folder)), "the lock on the state")
    again.kill()
    again.communicate()


def test_an_up_ends_what_a_killed_one_left_and_starts_a_local_aws_instead_of_one_that_was_killed(
    folder: Path, request: pytest.FixtureRequest
) -> None:
    for orphan in Run(folder).left_running():
        if not is_terraform(orphan):
            orphan.kill()
    second_up = request.getfixturevalue("second_up")
    seen = output_until(second_up, "[3/7] Start the local AWS: http")
    assert "An interrupted run had left processes behind; ended terraform" in seen
    load = seen.partition("For the AWS CLI: ")[2].partition("\n")[0]
    subprocess.run(["sh", "-c", f'{load}; test "$AWS_ACCESS_KEY_ID"'], env={}, check=True)


def test_an_interrupt_ends_everything_that_was_started_and_keeps_the_logs(
    folder: Path, second_up: subprocess.Popen[str]
) -> None:
    output_until(second_up, "Apply terraform/environment ...")
    wait_for_call(folder, "CreateDBInstance")
    assert processes_of(folder), "the local AWS runs"
    ports = Run(folder).ports
    assert ports
    with urllib.request.urlopen(f"http://127.0.0.1:{ports.status}/") as page:
        assert "Taproom" in page.read().decode()
    second_up.send_signal(signal.SIGINT)
    rest, _ = second_up.communicate(timeout=600)
    assert second_up.returncode == 130
    assert "Interrupted. Everything that was started has been ended." in rest
    assert processes_of(folder) == []
    assert not folder.exists()
    assert all(is_free(port) for port in (ports.aws, ports.balancer, ports.status))
    assert (folder.with_name("a run-logs") / "journal.jsonl").exists()


@pytest.mark.parametrize(
    ("stage", "next_is_up"),
    [
        pytest.param(stage, next_is_up, marks=() if (stage, next_is_up) == (4, False) else pytest.mark.nightly)
        for next_is_up in (False, True)
        for stage in range(1, 8)
    ],
)
def test_after_a_kill_in_a_stage_up_succeeds_or_says_what_to_do_and_down_leaves_nothing(
    stage: int, next_is_up: bool, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    up = command(folder, "up")
    output_until(up, f"[{stage}/7]")
    up.kill()
    up.communicate()
    if next_is_up:
        code, said = ended(folder, "up")
        assert code == 0 or "Another command is changing the rehearsal in this folder. Wait" in said, said
        assert "Traceback" not in said
    code, said = ended(folder, "down")
    assert code == 0, said
    assert said.startswith("Ended what an interrupted run had left: ") or next_is_up or stage < 4
    assert not folder.exists()
    assert processes_of(folder) == []


def test_with_nothing_running_down_says_so_and_another_command_says_what_to_do(tmp_path: Path) -> None:
    assert ended(tmp_path / "run", "down") == (0, "Nothing is running.\n")
    code, said = ended(tmp_path / "run", "invoke-schedule", "taproom-dev-access-verify")
    assert (code, said.strip()) == (1, "No rehearsal is running. Start one with `make up`.")
