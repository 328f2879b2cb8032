"""A run of tests that is killed leaves no server behind."""

import subprocess
import sys
from pathlib import Path

from devtools.checkout import CHECKOUT
from devtools.processes import still_running
from tests.support.waiting import wait_until

TEST = """
import os, signal
from devtools.processes import ProcessRegister

def test_killed(tmp_path):
    register = ProcessRegister(tmp_path / "processes.jsonl")
    register.start(["/bin/sleep", "1000"], env={}, cwd=tmp_path, log=tmp_path / "log")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_servers_of_a_killed_worker_are_ended(tmp_path: Path) -> None:
    (tmp_path / "test_killed.py").write_text(TEST)
    options = ["-p", "tests.conftest", "-p", "no:cacheprovider", "--numprocesses=1", "--max-worker-restart=0"]
    options += [f"--config-file={CHECKOUT}/pyproject.toml", f"--basetemp={tmp_path}/base", str(tmp_path)]
    command = [sys.executable, "-m", "pytest", *options]
    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert "crashed" in ended.stdout, ended.stdout + ended.stderr
    (register,) = (tmp_path / "base").rglob("processes.jsonl")
    wait_until(lambda: not still_running(register), "the end of the server")
