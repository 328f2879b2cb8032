"""Where a rehearsal listens, and how two that start at the same time keep out of each other's way.

A port is taken long after it was chosen: the load balancer opens its own only when Terraform has made it, minutes
later. So a chosen port is locked, by a file in the folder for temporary files that everybody on the machine can see.
The system itself lets go of a lock when the last process that holds it has ended, however it ended.
"""

import contextlib
import fcntl
import os
import socket
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from devtools.errors import RehearsalError

DEFAULT_BALANCER_PORT = 8080
DEFAULT_STATUS_PORT = 8180
_CHOICES = 100
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Ports:
    """Where a rehearsal listens, all on 127.0.0.1.

    Attributes:
        aws: the local AWS's API.
        balancer: the load balancer's first listener.
        status: the page that shows what goes on.
    """

    aws: int
    balancer: int
    status: int


@dataclass(frozen=True)
class HeldPorts:
    """Ports that no other rehearsal of this machine chooses for as long as they are held.

    Attributes:
        ports: the ports.
        locks: the file descriptors that hold them; a child that inherits them holds them too.
    """

    ports: Ports
    locks: tuple[int, ...]

    def let_go(self) -> None:
        """Hold them no longer here; children that inherited them still do."""
        for lock in self.locks:
            os.close(lock)


def choose_ports(wanted_balancer_port: int | None) -> HeldPorts:
    """Free ports, held: for the load balancer the one that is wanted, else 8080 or the next that can be had.

    Raises:
        RehearsalError: the port that was asked for by number is taken, or all are.
    """
    if wanted_balancer_port is None:
        candidates: Iterable[int] = range(DEFAULT_BALANCER_PORT, DEFAULT_BALANCER_PORT + _CHOICES)
        refusal = (
            f"The ports {DEFAULT_BALANCER_PORT} to {DEFAULT_BALANCER_PORT + _CHOICES - 1} are all taken: "
            "name one, `make up PORT=...`."
        )
    else:
        candidates = (wanted_balancer_port,)
        refusal = (
            f"Port {wanted_balancer_port} of {HOST} is taken by another program or another rehearsal. "
            "Name another one, such as `make up PORT=8090`, or none to take the next that is free."
        )
    locks: list[int] = []
    try:
        balancer = _first_to_be_had(candidates, locks, refusal)
        status = _first_to_be_had(range(DEFAULT_STATUS_PORT, DEFAULT_STATUS_PORT + _CHOICES), locks, "")
        aws = _first_to_be_had(_offered_by_the_system(), locks, "")
    except BaseException:
        for lock in locks:
            os.close(lock)
        raise
    return HeldPorts(Ports(aws, balancer, status), tuple(locks))


def forget_ports(ports: Ports) -> None:
    """Remove the files of locks that nobody holds any more."""
    for port in (ports.aws, ports.balancer, ports.status):
        lock = _hold(port)
        if lock is not None:
            with contextlib.suppress(OSError):  # another account's
                _lock_file(port).unlink()
            os.close(lock)


def is_free(port: int) -> bool:
    """Whether nothing listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _first_to_be_had(candidates: Iterable[int], locks: list[int], refusal: str) -> int:
    for port in candidates:
        lock = _hold(port) if is_free(port) else None
        if lock is None:
            continue
        if is_free(port):  # still, now that no other rehearsal can begin to listen on it
            locks.append(lock)
            return port
        os.close(lock)
    raise RehearsalError(refusal or f"No port of {HOST} is free for the rehearsal.")


def _offered_by_the_system() -> Iterator[int]:
    for _ in range(_CHOICES):
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port: int = probe.getsockname()[1]
        yield port


def _hold(port: int) -> int | None:
    """The descriptor of a lock on a port; none if somebody holds it."""
    path = _lock_file(port)
    lock = _opened(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(lock).st_ino == path.stat(follow_symlinks=False).st_ino:
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass  # held, or removed a moment ago by the one who held it: then the next port will do as well
    os.close(lock)
    return None


def _opened(path: Path) -> int:
    """The file for reading, made if need be: whoever may only read another account's can still lock it."""
    while True:
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with contextlib.suppress(FileExistsError):
            return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0o644)


def _lock_file(port: int) -> Path:
    return Path(tempfile.gettempdir()) / f"taproom-port-{port}.lock"
