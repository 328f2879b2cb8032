"""Ports of rehearsals that start at the same time on one machine."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.checkout import CHECKOUT
from devtools.errors import UserError
from devtools.ports import is_free
from rehearsal import ports
from rehearsal.run import Run

# Reserves ports, prints them, and keeps them until its input ends.
_COMMAND = """
import dataclasses, json, sys
from rehearsal.ports import reserve_ports
listeners = reserve_ports(None)
print(json.dumps(dataclasses.astuple(listeners.ports)), flush=True)
sys.stdin.read()
"""


def test_the_next_free_port_is_reserved_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken_port = listener.getsockname()[1]
        monkeypatch.setattr(ports, "DEFAULT_BALANCER_PORT", taken_port)
        listeners = ports.reserve_ports(None)
    assert taken_port < listeners.ports.balancer < taken_port + 100
    listeners.close()


def test_rehearsals_that_start_at_the_same_time_reserve_different_ports() -> None:
    commands = [
        subprocess.Popen(
            [sys.executable, "-c", _COMMAND], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    reserved: list[int] = []
    for command in commands:
        assert command.stdout
        reserved += json.loads(command.stdout.readline())
    for command in commands:
        command.communicate()
    assert len(set(reserved)) == len(reserved) == 12


def test_a_port_is_refused_with_the_remedy_until_the_child_that_inherited_its_socket_ends() -> None:
    listeners = ports.reserve_ports(None)
    port = listeners.ports.balancer
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[listener.fileno() for listener in listeners])
    listeners.close()
    with pytest.raises(UserError, match=rf"Port {port} of 127\.0\.0\.1 is taken.*another rehearsal.*make up PORT="):
        ports.reserve_ports(port)
    child.kill()
    child.communicate()
    again = ports.reserve_ports(port)
    assert again.ports.balancer == port
    again.close()


def test_clearing_a_run_before_its_local_aws_starts_releases_its_ports(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    reserved = run.take_ports(None)
    assert not run.is_running()
    run.clear()
    assert is_free(reserved.balancer)
