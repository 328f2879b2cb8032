"""Reserve the ports of a rehearsal.

A listening socket is the reservation, and the kernel enforces it. The command opens all three sockets before anything
else. The local AWS inherits them, and they close when that process ends, however it ends.
"""

import contextlib
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from devtools.errors import UserError
from devtools.ports import HOST

DEFAULT_BALANCER_PORT = 8080
DEFAULT_STATUS_PORT = 8180
_CHOICES = 100


@dataclass(frozen=True)
class Ports:
    """The ports of a rehearsal, all on 127.0.0.1.

    Attributes:
        aws: the local AWS's API.
        balancer: the load balancer's first listener.
        status: the status page.
    """

    aws: int
    balancer: int
    status: int


class Listeners(NamedTuple):
    """The sockets that reserve a rehearsal's ports until they are closed here and in the process that inherits them."""

    aws: socket.socket
    balancer: socket.socket
    status: socket.socket

    @property
    def ports(self) -> Ports:
        """The numbers of the ports."""
        return Ports(*(listener.getsockname()[1] for listener in self))

    def close(self) -> None:
        """Close the sockets of this process."""
        for listener in self:
            listener.close()


def reserve_ports(balancer_port: int | None) -> Listeners:
    """Reserve three ports.

    Args:
        balancer_port: the port of the load balancer; None for 8080 or the next free port.

    Raises:
        UserError: the port of the load balancer is taken, or too many ports are.
    """
    if balancer_port is None:
        candidates: Sequence[int] = range(DEFAULT_BALANCER_PORT, DEFAULT_BALANCER_PORT + _CHOICES)
        refusal = f"The ports {candidates[0]} to {candidates[-1]} are all taken: name one, `make up PORT=...`."
    else:
        candidates = (balancer_port,)
        refusal = (
            f"Port {balancer_port} of {HOST} is taken by another program or another rehearsal. "
            "Name another one, such as `make up PORT=8090`, or none to take the next that is free."
        )
    status_candidates = range(DEFAULT_STATUS_PORT, DEFAULT_STATUS_PORT + _CHOICES)
    with contextlib.ExitStack() as stack:
        balancer = stack.enter_context(_listen_on_first(candidates, refusal))
        status = stack.enter_context(_listen_on_first(status_candidates, f"No port of {HOST} is free for the page."))
        aws = stack.enter_context(socket.create_server((HOST, 0)))
        stack.pop_all()
    return Listeners(aws, balancer, status)


def _listen_on_first(candidates: Iterable[int], refusal: str) -> socket.socket:
    for port in candidates:
        with contextlib.suppress(OSError):
            return socket.create_server((HOST, port))
    raise UserError(refusal)
