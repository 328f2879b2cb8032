"""The page's sources other than the local AWS: Terraform's states, and the connections of each task.

Reading leaves no trace in the journal: states are read in moto.
"""

import contextlib
import functools
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psutil
from moto.s3.models import s3_backends

from localaws.settings import Settings

_GLOBAL = "aws"  # moto keeps resources without a region under the name of the partition
_SUFFIX = ".tfstate"


class States:
    """Terraform's states, each parsed once a version. Not thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[str, tuple[str, dict[str, Any]]] = {}

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the states by name: the account's, next to its configuration, and those in buckets."""
        states = {}
        account = self._settings.run_directory / "terraform" / "account" / "terraform.tfstate"
        with contextlib.suppress(FileNotFoundError, ValueError):  # a state that is being written
            states["account"] = self._parse("account", str(account.stat().st_mtime_ns), account.read_bytes)
        for bucket in list(s3_backends[self._settings.account_id][_GLOBAL].buckets.values()):
            for name, key in list(bucket.keys.items()):
                if name.endswith(_SUFFIX):
                    root = Path(name).name.removesuffix(_SUFFIX)
                    states[root] = self._parse(root, key.etag, functools.partial(getattr, key, "value"))
        return states

    def _parse(self, name: str, version: str, content: Callable[[], bytes]) -> dict[str, Any]:
        known = self._known.get(name)
        if known is None or known[0] != version:
            known = self._known[name] = (version, json.loads(content()))
        return known[1]


def task_by_port(tasks: Iterable[dict[str, Any]]) -> dict[int, str]:
    """Return the ids of tasks by the local ports of their processes' connections."""
    ports = {}
    for task in tasks:
        for pid in task["pids"]:
            with contextlib.suppress(psutil.Error):
                parent = psutil.Process(pid)
                for process in (parent, *parent.children(recursive=True)):
                    for connection in process.net_connections(kind="tcp"):
                        if connection.status == psutil.CONN_ESTABLISHED:
                            ports[connection.laddr.port] = task["id"]
    return ports
