"""What the page is made from: Terraform's states, the status of the local AWS, and whose connections are whose.

Reading leaves no trace in the journal: the status is an endpoint outside of the AWS API, and states are read in moto.
"""

import contextlib
import functools
import json
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psutil
from moto.s3.models import s3_backends

from localaws.settings import Settings

_GLOBAL = "aws"  # moto keeps resources without a region under the name of the partition
_SUFFIX = ".tfstate"
_TIMEOUT_SECONDS = 10


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


def services(settings: Settings) -> dict[str, Any]:
    """Return the status of each service of a local AWS.

    Raises:
        OSError: it does not answer.
    """
    url, headers = f"{settings.endpoint}/_rehearsal/status", settings.administrator.authorization
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - http
        status: dict[str, Any] = json.load(answer)["services"]
        return status


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
