"""Snapshots and automated backups of the emulated instances: base backups, and the WAL written after them.

A manual or final snapshot is a base backup. An automated backup is one from the instance's creation. Point-in-time
recovery adds the server's WAL to it, which the server keeps up to ``WAL_KEPT``. The backups of a deleted instance
remain if the deletion asks for that. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIT.html
"""

import itertools
import shutil
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from moto.rds.exceptions import DBInstanceNotFoundError, InvalidParameterValue, RDSClientError
from moto.rds.models import DBInstance, DBSnapshot

from devtools.postgres.cluster import Backup, Cluster, data_directory, give_to_server

WAL_KEPT = "256MB"

# Settings that a restored instance takes over from its source; the rest has RDS's defaults or is given.
_RESTORED = (
    *("engine", "engine_version", "db_name", "master_username", "db_instance_class", "allocated_storage", "iops"),
    *("storage_type", "storage_encrypted", "kms_key_id", "license_model", "backup_retention_period"),
    *("preferred_backup_window", "preferred_maintenance_window", "copy_tags_to_snapshot"),
)


@dataclass(frozen=True)
class AutomatedBackup:
    """The automated backup of an instance, or a copy of it in another region.

    Attributes:
        cluster: The instance's server; if ``backup`` has WAL, the server has ended, or is not followed any more.
        began: The earliest time that can be restored.
        key_arn: A copy's key.
        days: A copy's retention.
    """

    instance: DBInstance
    cluster: Cluster
    backup: Backup
    began: datetime
    key_arn: str | None = None
    days: int = 0


class Backups:
    """The backups of all instances, in one folder, which ``remove`` removes."""

    def __init__(self, logs: Path) -> None:
        self._link = logs / "backups.data"
        self._folder: Path | None = None
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._snapshots: dict[str, Backup] = {}
        self._automated: dict[str, AutomatedBackup] = {}

    def remove(self) -> None:
        """Remove all backups."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._link.unlink(missing_ok=True)

    def take_snapshot(self, snapshot: DBSnapshot, cluster: Cluster) -> None:
        """Copy the data of a running server."""
        self._snapshots[snapshot.db_snapshot_identifier] = self._base(snapshot.database, cluster)

    def of_snapshot(self, snapshot: DBSnapshot) -> Backup:
        """Return the data of a snapshot."""
        backup = self._snapshots.get(snapshot.db_snapshot_identifier)
        if backup is None:
            raise InvalidParameterValue(f"The snapshot {snapshot.db_snapshot_identifier} has no data.")
        return backup

    def begin(self, instance: DBInstance, cluster: Cluster) -> None:
        """Begin the automated backups of an instance, unless its retention is 0."""
        if instance.backup_retention_period:
            backup = self._base(instance, cluster)
            self._automated[instance.dbi_resource_id] = AutomatedBackup(instance, cluster, backup, datetime.now(UTC))

    def end(self, instance: DBInstance, *, keep: bool) -> None:
        """End the backups of an instance that is about to be deleted; keep copies, and if wanted the backups."""
        ended = None if keep else self._automated.pop(instance.dbi_resource_id, None)
        for name, found in list(self._automated.items()):
            if found.instance is instance:
                self.follow_no_more(name)
        if ended and ended.backup.base not in {found.backup.base for found in self._automated.values()}:
            shutil.rmtree(ended.backup.base, ignore_errors=True)

    def copy(self, instance: DBInstance, arn: str, key_arn: str | None, days: int) -> None:
        """Begin a copy of an instance's backups, by the ARN that the copy gets."""
        found = self.automated(instance.db_instance_identifier, None)
        self._automated[arn] = replace(found, key_arn=key_arn, days=days)

    def copies(self) -> dict[str, AutomatedBackup]:
        """Return all copies by their ARNs."""
        return {name: found for name, found in self._automated.items() if name.startswith("arn:")}

    def follow_no_more(self, name: str) -> None:
        """Keep what a backup has now, by an instance's resource id or a copy's ARN."""
        found = self._automated[name]
        if not found.backup.wal:
            self._automated[name] = replace(found, backup=self._with_wal(found))

    def automated(self, identifier: str | None, name: str | None) -> AutomatedBackup:
        """Return the backup of an existing instance by its identifier, or any by its resource id or a copy's ARN."""
        for own, found in self._automated.items():
            existing = None if found.backup.wal else found.instance.db_instance_identifier
            if name == own or (identifier is not None and identifier == existing):
                return found
        raise DBInstanceNotFoundError(str(identifier or name))

    def until(self, found: AutomatedBackup, time: datetime | str | None) -> Backup:
        """Return the data of an automated backup up to a time, or to the latest."""
        until = datetime.fromisoformat(time) if isinstance(time, str) else time
        if until is not None and not found.began <= until.replace(tzinfo=until.tzinfo or UTC) <= datetime.now(UTC):
            raise RDSClientError(
                "InvalidParameterValue",
                f"The specified instance cannot be restored to {until}: restorable are times since {found.began}.",
            )
        backup = found.backup if found.backup.wal else self._with_wal(found)
        return replace(backup, until=until)

    def _base(self, instance: DBInstance, cluster: Cluster) -> Backup:
        folder = self._new_folder()
        cluster.back_up(folder)
        return Backup(folder, (str(instance.master_username),))

    def _with_wal(self, found: AutomatedBackup) -> Backup:
        folder = self._new_folder()
        found.cluster.copy_wal(folder)
        return replace(found.backup, wal=folder)

    def _new_folder(self) -> Path:
        with self._lock:
            if self._folder is None:
                self._folder = data_directory(self._link)
                give_to_server(self._folder)
        return self._folder / str(next(self._numbers))


def restored_settings(source: DBInstance, given: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a restored instance; the master keeps the password that it had at that time."""
    kept = {name: getattr(source, name) for name in _RESTORED}
    # moto takes an instance with a source for a replica.
    own = {name: value for name, value in given.items() if value is not None}
    return {**kept, **own, "source_db_instance_identifier": None}
