import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from devtools.checkout import CHECKOUT
from devtools.processes import ProcessRegister, end_still_running, still_running
from tests.support.waiting import wait_until

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)",
]
# A parent that dies at once and leaves a child in its session.
LEAVES_A_CHILD = [
    sys.executable,
    "-c",
    (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(child.pid, flush=True); child.wait()"
    ),
]


@pytest.fixture
def register(tmp_path: Path) -> ProcessRegister:
    return ProcessRegister(tmp_path / "processes.jsonl")


def started(register: ProcessRegister, argv: list[str], tmp_path: Path) -> subprocess.Popen[bytes]:
    return register.start(argv, env={"GREETING": "hello"}, cwd=tmp_path, log=tmp_path / "log")


def wait_for(log: Path, text: str = "\n") -> str:
    wait_until(lambda: log.exists() and text in log.read_text(), f"{text!r} in {log}")
    return log.read_text()


def test_a_child_sees_only_the_environment_that_it_is_given(register: ProcessRegister, tmp_path: Path) -> None:
    child = started(register, [sys.executable, "-c", "import os; print(sorted(os.environ))"], tmp_path)
    child.wait(60)
    assert (tmp_path / "log").read_text() in ("['GREETING']\n", "['GREETING', 'LC_CTYPE']\n")


def test_a_child_has_the_nice_value_of_its_parent_in_a_session_of_its_own_too(tmp_path: Path) -> None:
    shown = "cat /proc/self/autogroup 2>&1; nice"
    start = f"register.start(['sh', '-c', {shown!r}], env=os.environ, cwd=folder, log=folder / 'log').wait()"
    module = f"import os, pathlib, devtools.processes as d; folder = pathlib.Path({str(tmp_path)!r})"
    code = f"{module}; register = d.ProcessRegister(folder / 'processes.jsonl'); {start}"
    subprocess.run(["nice", "-n", "5", sys.executable, "-c", code], cwd=CHECKOUT, check=True)
    assert re.search(r"(nice (\d+)\n\2|No such file or directory\n\d+)\n$", (tmp_path / "log").read_text())


@pytest.mark.parametrize("program", ["no-such-program", "./no-such-program"])
def test_a_program_that_is_missing_is_an_error(program: str, tmp_path: Path) -> None:
    register = ProcessRegister(tmp_path / "processes.jsonl")
    with pytest.raises(FileNotFoundError, match=program):
        register.start([program], env={}, cwd=tmp_path, log=tmp_path / "log")


def test_the_program_of_a_child_starts_only_after_the_child_is_registered(tmp_path: Path) -> None:
    killed = "register._record = lambda *_: os.kill(os.getpid(), signal.SIGKILL)"
    start = "register.start(['touch', 'started'], env=os.environ, cwd=folder, log=folder / 'log')"
    module = f"import os, signal, pathlib, devtools.processes as d; folder = pathlib.Path({str(tmp_path)!r})"
    code = f"{module}; register = d.ProcessRegister(folder / 'processes.jsonl'); {killed}; {start}"
    assert subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=False).returncode == -signal.SIGKILL
    wait_until(lambda: not any(child.info["cwd"] == str(tmp_path) for child in psutil.process_iter(["cwd"])))
    assert not (tmp_path / "started").exists()


def test_a_running_child_is_found_in_the_register_and_a_stopped_one_is_not(
    register: ProcessRegister, tmp_path: Path
) -> None:
    child = started(register, SLEEP, tmp_path)
    assert [process.pid for process in still_running(register.path)] == [child.pid]
    assert register.stop(child, 5) == -signal.SIGTERM
    assert still_running(register.path) == []


def test_a_child_that_will_not_end_is_killed(register: ProcessRegister, tmp_path: Path) -> None:
    child = started(register, STUBBORN, tmp_path)
    wait_for(tmp_path / "log", "ready")
    assert register.stop(child, 0.2) == -signal.SIGKILL


def test_stopping_a_child_ends_what_it_left_in_its_session(register: ProcessRegister, tmp_path: Path) -> None:
    child = started(register, LEAVES_A_CHILD, tmp_path)
    grandchild = int(wait_for(tmp_path / "log"))
    register.stop(child, 5)
    wait_until(lambda: not psutil.pid_exists(grandchild), "its end")


def test_what_a_killed_owner_left_is_ended_with_its_descendants(register: ProcessRegister, tmp_path: Path) -> None:
    child = started(register, LEAVES_A_CHILD, tmp_path)
    grandchild = int(wait_for(tmp_path / "log"))
    assert len(end_still_running(register.path)) == 1
    child.wait(60)
    assert not psutil.pid_exists(grandchild)


def test_what_a_killed_child_left_in_its_session_is_ended(register: ProcessRegister, tmp_path: Path) -> None:
    child = started(register, LEAVES_A_CHILD, tmp_path)
    grandchild = int(wait_for(tmp_path / "log"))
    child.kill()
    child.wait(60)
    assert [name.partition(" ")[2] for name in end_still_running(register.path)] == [f"({grandchild})"]
    assert not psutil.pid_exists(grandchild)


def test_a_process_that_merely_has_the_number_of_an_old_one_is_left_alone(
    register: ProcessRegister, tmp_path: Path
) -> None:
    register.path.write_text(f'{{"pid": {os.getpid()}, "created": 1.0, "name": "an older process"}}\n{{"pid":')
    assert still_running(register.path) == []
    assert end_still_running(register.path) == []
