"""Ports of rehearsals that start at the same time on one machine."""

import socket
import subprocess

import pytest

from devtools.errors import UserError
from rehearsal import ports


def test_the_next_free_port_is_reserved_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken_port = listener.getsockname()[1]
        monkeypatch.setattr(ports, "DEFAULT_BALANCER_PORT", taken_port)
        listeners = ports.reserve_ports(None)
    assert taken_port < listeners.ports.balancer < taken_port + 100
    listeners.close()


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
