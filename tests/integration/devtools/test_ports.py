"""Ports of rehearsals that start at the same time on one machine."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools import ports
from devtools.checkout import CHECKOUT
from devtools.errors import RehearsalError
from rehearsal.run import Run

# Chooses, says what, and holds it until its input ends.
_CHOOSER = """
import json, sys
from devtools.ports import choose_ports
held = choose_ports(None).ports
print(json.dumps([held.aws, held.balancer, held.status]), flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def locks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of this test's own for the locks."""
    folder = tmp_path / "locks"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_that_was_asked_for_and_is_taken_is_refused_with_the_remedy(taken_port: int) -> None:
    with pytest.raises(RehearsalError, match=rf"Port {taken_port} of 127\.0\.0\.1 is taken.*make up PORT="):
        ports.choose_ports(taken_port)


def test_without_a_wish_the_next_free_port_is_taken(taken_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "DEFAULT_BALANCER_PORT", taken_port)
    held = ports.choose_ports(None)
    assert taken_port < held.ports.balancer < taken_port + 100
    held.let_go()


def test_rehearsals_that_choose_at_the_same_time_choose_different_ports() -> None:
    choosers = [
        subprocess.Popen(
            [sys.executable, "-c", _CHOOSER], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    chosen = []
    for chooser in choosers:
        assert chooser.stdout
        chosen += json.loads(chooser.stdout.readline())
    for chooser in choosers:
        chooser.communicate()
    assert len(set(chosen)) == len(chosen) == 12


def test_a_port_is_held_by_the_child_that_inherited_it_until_that_ends() -> None:
    held = ports.choose_ports(None)
    wanted = held.ports.balancer
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=held.locks)
    held.let_go()
    with pytest.raises(RehearsalError, match="another rehearsal"):
        ports.choose_ports(wanted)
    child.kill()
    child.communicate()
    again = ports.choose_ports(wanted)
    assert again.ports.balancer == wanted
    again.let_go()


def test_a_run_that_is_cleared_leaves_no_lock_and_no_other_runs_is_touched(locks: Path, tmp_path: Path) -> None:
    first, second = Run(tmp_path / "first"), Run(tmp_path / "second")
    for run in (first, second):
        run.take_ports(None)
    assert second.held
    first.clear()
    assert {path.name for path in locks.iterdir()} == {
        f"taproom-port-{port}.lock"
        for port in (second.held.ports.aws, second.held.ports.balancer, second.held.ports.status)
    }
    # As after a crash: its folder still names ports that somebody else holds by now.
    Run(second.folder).clear()
    assert len(list(locks.iterdir())) == 3
    second.held.let_go()
