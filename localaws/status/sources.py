"""Where a page's picture comes from: what moto keeps, what runs, and what the database says of its sessions.

Everything is read inside the local AWS's process, past its API, so that looking leaves no trace in the journal.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pg8000.exceptions
import pg8000.native
import psutil
from moto.s3.models import s3_backends

from localaws.ecs.services import Services
from localaws.elbv2.load_balancers import LoadBalancers
from localaws.rds.instances import Databases
from localaws.status.picture import Session, Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devtools.postgres.cluster import Cluster
    from localaws.ecs.tasks import TaskRun
    from localaws.settings import Room, Settings

_GLOBAL = "aws"  # moto keeps what has no region by the name of the partition
_SUFFIX = ".tfstate"
_SESSIONS = """
SELECT usename::text, application_name, client_port FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND usename <> session_user
"""


class Sources:
    """What is there now. For one thread at a time.

    Args:
        settings: of the local AWS.
        rooms: what runs in it, by name; a room that is not there has nothing to show.
    """

    def __init__(self, settings: Settings, rooms: Mapping[str, Room]) -> None:
        self._settings = settings
        self._rooms = rooms
        self._states: dict[str, tuple[str, dict[str, Any]]] = {}
        self._connections: dict[Path, pg8000.native.Connection] = {}

    def states(self) -> dict[str, dict[str, Any]]:
        """Terraform's states by their names: the account's, beside its configuration, and those in buckets."""
        found = {}
        account = self._settings.run_directory / "terraform" / "account" / "terraform.tfstate"
        with contextlib.suppress(FileNotFoundError, ValueError):  # a state that is just being written
            found["account"] = self._read("account", str(account.stat().st_mtime_ns), account.read_bytes)
        for bucket in list(s3_backends[self._settings.account_id][_GLOBAL].buckets.values()):
            for name, key in list(bucket.keys.items()):
                if name.endswith(_SUFFIX):
                    root = Path(name).name.removesuffix(_SUFFIX)
                    found[root] = self._read(root, key.etag, lambda key=key: key.value)
        return found

    def tasks(self) -> list[Task]:
        """Every task there was."""
        targets: dict[str, str] = {}
        balancers = self._rooms.get("load_balancer")
        if isinstance(balancers, LoadBalancers):
            for state_by_target in balancers.status()["targets"].values():
                targets |= {target.rpartition(":")[0]: state for target, state in state_by_target.items()}
        return [_task(run, targets) for run in self._runs()]

    def sessions(self) -> list[Session]:
        """The clients' sessions in every database."""
        databases = self._rooms.get("databases")
        clusters = databases.clusters() if isinstance(databases, Databases) else []
        found = [session for cluster in clusters for session in self._sessions_of(cluster)]
        task_by_port = self._task_by_port() if found else {}
        counts = Counter(
            (login, application, task_by_port.get(port) if port else None) for login, application, port in found
        )
        return [Session(*session, count) for session, count in sorted(counts.items(), key=str)]

    def addresses(self) -> dict[str, str]:
        """Where people reach what runs, by what it is."""
        found = {"local AWS": self._settings.endpoint}
        balancers = self._rooms.get("load_balancer")
        if isinstance(balancers, LoadBalancers):
            for listener in balancers.status()["listeners"]:
                found.setdefault("service", listener["url"])
        return found

    def close(self) -> None:
        """Close the connections that are kept."""
        for connection in self._connections.values():
            with contextlib.suppress(pg8000.exceptions.Error, OSError):
                connection.close()
        self._connections.clear()

    def _read(self, name: str, version: str, content: Any) -> dict[str, Any]:
        known = self._states.get(name)
        if known is None or known[0] != version:
            known = self._states[name] = (version, json.loads(content()))
        return known[1]

    def _runs(self) -> list[TaskRun]:
        services = self._rooms.get("services")
        return services.tasks() if isinstance(services, Services) else []

    def _sessions_of(self, cluster: Cluster) -> list[tuple[str, str, int | None]]:
        # On a connection that is kept: each new one would be a line in the server's log.
        try:
            if cluster.directory not in self._connections:
                self._connections[cluster.directory] = cluster.open_as_superuser()
            rows = self._connections[cluster.directory].run(_SESSIONS)
        except (pg8000.exceptions.Error, OSError):
            self._connections.pop(cluster.directory, None)  # it is going, or comes back: then on a new one
            return []
        return [(login, application, cluster.client_port(port)) for login, application, port in rows]

    def _task_by_port(self) -> dict[int, str]:
        """The tasks by the local ports of their connections."""
        found = {}
        for run in self._runs():
            for pid in run.pids():
                with contextlib.suppress(psutil.Error):
                    parent = psutil.Process(pid)
                    for process in (parent, *parent.children(recursive=True)):
                        for connection in process.net_connections(kind="tcp"):
                            if connection.status == psutil.CONN_ESTABLISHED:
                                found[connection.laddr.port] = run.record.id
        return found


def _task(run: TaskRun, targets: Mapping[str, str]) -> Task:
    record = run.record
    return Task(
        id=record.id,
        group=record.group,
        status=record.last_status,
        health=record.health_status,
        target=targets.get(record.address),
        address=record.address,
        images={container["name"]: container["image"] for container in record.containers},
        created=record.created_at.replace(tzinfo=UTC).isoformat(timespec="seconds"),
        stopped_reason=record.stopped_reason,
    )
