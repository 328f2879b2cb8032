"""The service as the image runs it: the Dockerfile's own command, as a process."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devtools.ports import free_port
from devtools.processes import ProcessRegister

PROJECT = Path(__file__).parents[2]
START_TIMEOUT_SECONDS = 120


def image_command() -> list[str]:
    """The command of the image; the last CMD that starts a line, for HEALTHCHECK's own is indented."""
    commands = re.findall(r"^CMD (\[.*\])$", (PROJECT / "Dockerfile").read_text(), flags=re.MULTILINE)
    return [str(part) for part in json.loads(commands[-1])]


def environment(**variables: str) -> dict[str, str]:
    """An environment with nothing in it but the way to Python's programs, and ``variables``."""
    return {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}", "LANG": "C.UTF-8", **variables}


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
        """One request on a separate connection."""
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
        """Everything that it wrote so far."""
        return self._log.read_text()

    def log_lines(self) -> list[dict[str, Any]]:
        """The same, line by line; every line must be an object of JSON."""
        lines = [json.loads(line) for line in self.log_text().splitlines()]
        assert all(isinstance(line, dict) for line in lines)
        return lines


class Answer:
    """A response."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


@contextmanager
def serving(directory: Path, *, application: str | None = None, **variables: str) -> Iterator[Served]:
    """The service with ``variables`` in its environment, once it answers; gone at the end.

    ``application`` is what gunicorn runs in the place of the image's own.
    """
    port = free_port()
    log = directory / "service.log"
    command = image_command() if application is None else [*image_command()[:-1], application]
    given = environment(**{"HOST": "127.0.0.1", "PORT": str(port), "WEB_CONCURRENCY": "2", **variables})
    log.unlink(missing_ok=True)
    processes = ProcessRegister(directory / "processes.jsonl")
    served = Served(processes.start(command, env=given, cwd=PROJECT, log=log), port, log)
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
