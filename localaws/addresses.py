"""Addresses of tasks in their subnets, and where on this machine the tasks really listen.

AWS gives each task a network interface with an address of its subnet. Here all tasks share 127.0.0.1 (macOS has no
other loopback address by default), so each port of each address is mapped to a free port of 127.0.0.1. Terraform,
DescribeTasks and DescribeTargetHealth see only the subnet's address and the container's port; a client calls ``reach``.

Different from AWS: a container cannot reach another container of its task at ``localhost`` and the container's port,
and nothing keeps a process from connecting to any other.
"""

import ipaddress
import socket
import threading
from collections.abc import Collection

LOOPBACK = "127.0.0.1"
# The network address, the router, the resolver and one for later use; the last one is the broadcast address.
RESERVED_AT_START = 4


class NetworkAddresses:
    """A registry of listeners by address. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_offset_by_subnet: dict[str, int] = {}
        self._port_by_target: dict[tuple[str, int], int] = {}

    def assign(self, subnet_cidr: str, taken: Collection[str]) -> str:
        """Return a free address of a subnet.

        An address is not given again until all others had their turn, so that a load balancer never mistakes a new
        task for the one that it has just released.

        Args:
            subnet_cidr: the subnet, such as ``10.0.16.0/20``.
            taken: addresses in use.

        Raises:
            SubnetFullError: every address of the subnet is taken.
        """
        network = ipaddress.ip_network(subnet_cidr)
        usable = network.num_addresses - RESERVED_AT_START - 1
        with self._lock:
            last = self._last_offset_by_subnet.get(subnet_cidr, -1)
            for step in range(1, usable + 1):
                offset = (last + step) % usable
                address = str(network[RESERVED_AT_START + offset])
                if address not in taken:
                    self._last_offset_by_subnet[subnet_cidr] = offset
                    return address
        raise SubnetFullError(f"Subnet {subnet_cidr} has no free address: all {usable} are taken. Use a larger one.")

    def publish(self, address: str, port: int) -> int:
        """Return the port of 127.0.0.1 for ``port`` of ``address``; a new one if it has none."""
        with self._lock:
            found = self._port_by_target.get((address, port))
            if found is None:
                found = self._port_by_target[address, port] = _free_port(set(self._port_by_target.values()))
            return found

    def withdraw(self, address: str) -> None:
        """Forget every port of an address."""
        with self._lock:
            for target in [target for target in self._port_by_target if target[0] == address]:
                del self._port_by_target[target]

    def reach(self, address: str, port: int) -> tuple[str, int] | None:
        """Return where to connect for ``port`` of ``address``; None if no task has that address."""
        with self._lock:
            found = self._port_by_target.get((address, port))
        return None if found is None else (LOOPBACK, found)


class SubnetFullError(Exception):
    """A subnet has no address left for a task."""


def _free_port(promised: Collection[int]) -> int:
    """Return a free port that is not promised to another process.

    The system hands out ports in turn, so between the promise and the process that binds it no other program is likely
    to get it.
    """
    while True:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port: int = probe.getsockname()[1]
        if port not in promised:
            return port
