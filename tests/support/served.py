"""The service as the image runs it: the Dockerfile's own command, as a process."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devtools.checkout import CHECKOUT
from devtools.images.store import command_of
from devtools.ports import free_port
from devtools.processes import ProcessRegister

START_TIMEOUT_SECONDS = 120
IMAGE_COMMAND = command_of(CHECKOUT / "Dockerfile")
MIGRATE = (sys.executable, "-m", "app", "migrate")


def environment(**variables: str) -> dict[str, str]:
    """An environment with nothing in it but the way to Python's programs, and ``variables``."""
    return {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}", "LANG": "C.UTF-8", **variables}


def run(command: Sequence[str], **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of the service to its end, with ``variables`` in its environment."""
    given = environment(**variables)
    return subprocess.run(command, env=given, cwd=CHECKOUT, capture_output=True, text=True, timeout=600, check=False)


class Served:
    """A running service.

    Attributes:
        process: gunicorn's master.
        port: where it listens, on 127.0.0.1.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self._log = log

    @property
    def address(self) -> str:
        """``HOST:PORT``."""
        return f"127.0.0.1:{self.port}"

    def request(self, method: str, path: str, body: str | None = None, **headers: str) -> "Answer":
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def raw(self, request: bytes) -> bytes:
        """Return what comes back for these very bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def stop(self) -> int:
        """Ask it to end, as ECS does; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=120)

    def log_text(self) -> str:
        return self._log.read_text()

    def log_lines(self) -> list[dict[str, Any]]:
        """The same, line by line; every line must be an object of JSON."""
        lines = [json.loads(line) for line in self.log_text().splitlines()]
        assert all(isinstance(line, dict) for line in lines)
        return lines


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@contextmanager
def serving(directory: Path, command: Sequence[str] = IMAGE_COMMAND, **variables: str) -> Iterator[Served]:
    """The service with ``variables`` in its environment, once it answers; gone at the end.

    ``command`` is run in the place of the image's own; ``PORT`` in it stands for the port.
    """
    port = free_port()
    log = directory / "service.log"
    command = [part.replace("PORT", str(port)) for part in command]
    given = environment(**{"HOST": "127.0.0.1", "PORT": str(port), "WEB_CONCURRENCY": "2", **variables})
    log.unlink(missing_ok=True)
    processes = ProcessRegister(directory / "processes.jsonl")
    served = Served(processes.start(command, env=given, cwd=CHECKOUT, log=log), port, log)
    try:
        _wait_until_it_answers(served)
        yield served
    finally:
        processes.stop_all(grace_seconds=0)


def _wait_until_it_answers(served: Served) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            served.request("GET", "/livez")
        except OSError:
            assert served.process.poll() is None, served.log_text()
            assert time.monotonic() < deadline, served.log_text()
            time.sleep(0.05)
        else:
            return
