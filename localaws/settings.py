"""The settings and shared tools that every service of the local AWS gets.

The values are made once, in ``__main__`` and ``server``, and passed inward; no service reads the environment.
"""

import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from devtools.certificates import Authority
from devtools.images.store import ImageStore
from devtools.processes import ProcessRegister
from localaws.addresses import NetworkAddresses
from localaws.administrator import Administrator
from localaws.journal import Journal


@dataclass(frozen=True)
class Settings:
    """Settings of one local AWS.

    Attributes:
        run_directory: folder of this run; logs, unzipped functions and images live in it.
        port: port of the API on 127.0.0.1.
        account_id: the account that every ARN names.
        region: the region of everything but copies of backups.
        administrator: the only caller that is not a role.
    """

    run_directory: Path
    port: int
    account_id: str = "123456789012"
    region: str = "us-east-1"
    administrator: Administrator = field(default_factory=Administrator)

    @property
    def endpoint(self) -> str:
        """URL of the API, for ``AWS_ENDPOINT_URL``."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def logs_directory(self) -> Path:
        """Folder of the journal and of everything that processes print."""
        return self.run_directory / "logs"


@dataclass(frozen=True)
class Listeners:
    """The sockets that listen from the start, which reserves their ports for the life of the local AWS.

    Attributes:
        api: for the API.
        balancer: for the HTTP :80 listener of the first load balancer.
        status: for an installed page that shows what runs; None without one.
    """

    api: socket.socket
    balancer: socket.socket
    status: socket.socket | None = None


@dataclass(frozen=True)
class Context:
    """The settings and the tools that the services share.

    Attributes:
        settings: where this local AWS works.
        journal: where a service writes what happened.
        processes: through which every child process is started, so that none outlives the run.
        images: where a task finds the folder and command of its image.
        authority: the certificate authority that databases (and listeners) get their certificates from.
        balancer_socket: for the HTTP :80 listener of the first load balancer.
        status_socket: for an installed page that shows what runs; None without one.
        addresses: where tasks really listen, for those who dial them.
    """

    settings: Settings
    journal: Journal
    processes: ProcessRegister
    images: ImageStore
    authority: Authority
    balancer_socket: socket.socket
    status_socket: socket.socket | None = None
    addresses: NetworkAddresses = field(default_factory=NetworkAddresses)


class Service(Protocol):
    """An installed service of the local AWS."""

    def stop(self) -> None:
        """End the service's threads and processes. Safe to call twice; services are stopped in reverse order."""

    def status(self) -> dict[str, Any]:
        """Return what the service runs now as JSON values, for ``GET /_rehearsal/status``."""
