"""One rehearsal's folder: what is where, and whether something in it still runs."""

import json
import shutil
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from devtools.checkout import CHECKOUT
from devtools.errors import UserError
from devtools.images.engine import Engine
from devtools.postgres.cluster import remove_left_data
from devtools.processes import end_still_running, still_running
from devtools.terraform.program import is_terraform
from localaws.administrator import Administrator
from rehearsal.ports import Listeners, Ports, reserve_ports

DEFAULT_FOLDER = CHECKOUT / ".rehearsal"


class Run:
    """A rehearsal's folder.

    Args:
        folder: everything that the rehearsal writes is below it, except for the databases' files.

    Attributes:
        listeners: the sockets that this process keeps for the run; None once its local AWS has them.
        demo: what a demo has to restore, and its process, from before its first change until all is restored.
    """

    def __init__(self, folder: Path = DEFAULT_FOLDER) -> None:
        self.folder = folder.absolute()
        self.logs = self.folder / "logs"
        self.images = self.folder / "images"
        self.authority = self.folder / "authority"
        self.package = self.folder / "db_bootstrap.zip"
        self.terraform = self.folder / "terraform"
        self.processes = self.folder / "processes.jsonl"
        self.demo = self.folder / "demo.json"
        self.listeners: Listeners | None = None
        self._ports = self.folder / "ports.json"
        self._containers = self.folder / "containers"

    @property
    def has_containers(self) -> bool:
        """Return True if tasks started from now on are containers of the image instead of processes."""
        return self._containers.exists() and self._containers.read_text() == "on"

    @has_containers.setter
    def has_containers(self, has: bool) -> None:
        if has or self._containers.exists():  # once there were some, the end removes leftovers
            self.folder.mkdir(parents=True, exist_ok=True)
            self._containers.write_text("on" if has else "off")

    @property
    def ports(self) -> Ports | None:
        """The ports of the run in this folder; None if there is no run."""
        if self.listeners:
            return self.listeners.ports
        try:
            return Ports(**json.loads(self._ports.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def take_ports(self, balancer_port: int | None) -> Ports:
        """Reserve the ports of a new run.

        Raises:
            UserError: the port that is asked for is taken.
        """
        self.listeners = reserve_ports(balancer_port)
        return self.listeners.ports

    def hand_over_ports(self) -> None:
        """Close the sockets that the local AWS has inherited, and record their ports for other commands."""
        if self.listeners:
            self._ports.write_text(json.dumps(asdict(self.listeners.ports)))
            self.listeners.close()
            self.listeners = None

    @property
    def endpoint(self) -> str | None:
        """The address of the local AWS's API; none when there is no run."""
        return f"http://127.0.0.1:{self.ports.aws}" if self.ports else None

    @property
    def status_url(self) -> str | None:
        """The address of the status page; none when there is no run."""
        return f"http://127.0.0.1:{self.ports.status}/" if self.ports else None

    @property
    def administrator(self) -> dict[str, str]:
        """The credentials of the local AWS's administrator, as arguments of ``aws_client``.

        Raises:
            OSError: no local AWS has started.
        """
        return Administrator.read(self.folder).credentials

    def ask(self, path: str, method: str = "GET", timeout_seconds: float = 30) -> Any:
        """Return the answer of the local AWS at ``/_rehearsal/PATH``.

        Raises:
            OSError: it does not answer.
        """
        headers = Administrator.read(self.folder).authorization
        request = urllib.request.Request(f"{self.endpoint}/_rehearsal/{path}", method=method, headers=headers)  # noqa: S310 - a fixed http address
        with urllib.request.urlopen(request, timeout=timeout_seconds) as answer:  # noqa: S310
            return json.load(answer)

    def invoke_schedule(self, schedule: str) -> None:
        """Invoke a schedule of the local AWS now; its function runs asynchronously.

        Raises:
            UserError: it was not invoked; with the reason.
        """
        try:
            self.ask(f"schedules/{urllib.parse.quote(schedule, safe='')}/invoke", "POST")
        except urllib.error.HTTPError as error:
            raise UserError(str(json.load(error)["error"])) from error

    def is_running(self) -> bool:
        """Return True if the local AWS of this folder answers."""
        if self.ports is None or self.listeners:
            return False
        try:
            self.ask("status")
        except (OSError, ValueError):
            return False
        return True

    def require_running(self) -> None:
        """Raise UserError unless the local AWS of this folder answers."""
        if not self.is_running():
            raise UserError("No rehearsal is running. Start one with `make up`.")

    def left_running(self) -> list[psutil.Process]:
        """The processes of this run that still run."""
        return still_running(self.processes)

    def is_being_changed(self) -> bool:
        """Return True if a demo is at work, or a Terraform, of another command or of one that was killed."""
        return any(map(is_terraform, self.left_running())) or bool(still_running(self.demo))

    def clear(self) -> list[str]:
        """End what still runs and remove the folder; the names of what had to be ended."""
        ended = end_still_running(self.processes)
        if self.listeners:  # the local AWS never started
            self.listeners.close()
            self.listeners = None
        if self._containers.exists():
            ended += Engine.find("podman").remove_labelled(str(self.folder))
        remove_left_data(self.logs)
        shutil.rmtree(self.folder, ignore_errors=True)
        return ended
