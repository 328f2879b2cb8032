"""Ports of 127.0.0.1."""

import socket

HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Return True if nothing listens on a port."""
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """Return a port that nothing listens on now, for a program that can only be given a number."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
