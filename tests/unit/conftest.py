"""Unit tests do no I/O: a test that opens a socket or starts a process belongs to tests/integration."""

import os
import socket
import subprocess
from typing import Any, NoReturn

import pytest


@pytest.fixture(autouse=True)
def no_io(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse sockets and processes."""

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("A unit test does no I/O; move it to tests/integration.")

    for method in ("bind", "connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, method, refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    for start in ("fork", "posix_spawn", "system"):
        monkeypatch.setattr(os, start, refuse)
