"""What a person meets who interrupts a rehearsal, kills it, or lacks something."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from devtools.checkout import CHECKOUT
from devtools.ports import is_free
from rehearsal.run import Run

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(900)]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "a run"
    yield folder
    Run(folder).clear()


def command(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "rehearsal", "--folder", str(folder), *arguments],
        cwd=CHECKOUT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def output_until(process: subprocess.Popen[str], text: str) -> str:
    """What it prints up to and including the line that holds ``text``."""
    assert process.stdout
    seen = ""
    for line in process.stdout:
        seen += line
        if text in line:
            return seen
    pytest.fail(f"it ended without saying {text!r}:\n{seen}")


def processes_of(folder: Path) -> list[list[str]]:
    return [process.info["cmdline"] for process in psutil.process_iter(["cmdline"]) if mentions(process, folder)]


def mentions(process: psutil.Process, folder: Path) -> bool:
    return any(str(folder) in argument for argument in process.info["cmdline"] or [])


def test_an_interrupt_ends_everything_that_was_started_and_keeps_the_logs(folder: Path) -> None:
    process = command(folder, "up")
    output_until(process, "Apply terraform/environment ...")
    time.sleep(3)
    assert processes_of(folder), "the local AWS runs"
    ports = Run(folder).ports
    assert ports
    with urllib.request.urlopen(f"http://127.0.0.1:{ports.status}/") as page:
        assert "Taproom" in page.read().decode()
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=240)
    assert process.returncode == 130
    assert "Interrupted. Everything that was started has been ended." in rest
    assert processes_of(folder) == []
    assert not folder.exists()
    for port in (ports.aws, ports.balancer, ports.status):
        assert is_free(port)
    assert (folder.with_name("a run-logs") / "journal.jsonl").exists()


def test_what_a_killed_rehearsal_left_behind_is_ended_by_the_next_command(folder: Path) -> None:
    process = command(folder, "up")
    output_until(process, "Apply terraform/environment ...")
    time.sleep(10)
    process.kill()
    process.communicate()
    assert len(Run(folder).left_running()) >= 2, "the local AWS and Terraform outlive the command that was killed"
    refused, _ = command(folder, "up").communicate(timeout=240)
    assert "Another command is changing the rehearsal in this folder. Wait for it, or" in refused
    assert Run(folder).is_running(), "who is refused ends nothing"
    ended, _ = command(folder, "down").communicate(timeout=240)
    assert "Ended what an interrupted run had left" in ended
    assert processes_of(folder) == []
    assert not folder.exists()


def test_a_local_aws_that_was_killed_is_started_anew(folder: Path) -> None:
    process = command(folder, "up")
    output_until(process, "Apply terraform/environment ...")
    process.kill()
    process.communicate()
    for orphan in Run(folder).left_running():
        orphan.kill()
    process = command(folder, "up")
    output_until(process, "[3/7] Start the local AWS: http")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=240)
    assert processes_of(folder) == []


def test_down_with_nothing_running_says_so(folder: Path) -> None:
    said, _ = command(folder, "down").communicate(timeout=240)
    assert said.strip() == "Nothing is running."


def test_fire_with_nothing_running_says_what_to_do(folder: Path) -> None:
    process = command(folder, "fire", "taproom-dev-access-verify")
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 1
    assert said.strip() == "No rehearsal is running. Start one with `make up`."


def test_a_port_that_is_taken_is_one_clear_sentence(folder: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        process = command(folder, "up", "--port", str(listener.getsockname()[1]))
        said, _ = process.communicate(timeout=240)
    assert process.returncode == 1
    assert "is taken by another program or another rehearsal. Name another one, such as `make up PORT=8090`" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        pytest.param({"PATH": "/nowhere"}, "Terraform is not on the PATH. Install version 1.11", id="no Terraform"),
        pytest.param({"POSTGRESQL_BIN": "/nowhere"}, "No PostgreSQL server runs on this machine.", id="no PostgreSQL"),
    ],
)
def test_what_is_missing_is_named_with_the_remedy(environment: dict[str, str], sentence: str, folder: Path) -> None:
    process = command(folder, "up", **environment)
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 1
    assert sentence in said
    assert "Traceback" not in said
    assert not folder.exists()
