"""Copies of automated backups in another region, which moto does not have.

A copy follows its instance without delay until it is stopped or the instance is deleted; then it is retained, here
without an end. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReplicateBackups.html
"""

import secrets
from typing import Any

from moto.core.responses import ActionResult
from moto.kms.models import kms_backends
from moto.rds.exceptions import DBInstanceNotFoundError, RDSClientError
from moto.rds.models import DBInstance, RDSBackend, rds_backends
from moto.rds.responses import RDSResponse

from localaws.patch import MonkeyPatch
from localaws.rds.backups import AutomatedBackup, Backups

_MAXIMUM_DAYS = 35


def copy_backups(patch: MonkeyPatch, backups: Backups) -> None:
    """Answer the calls that start, stop and describe copies."""

    def changed(arn: str) -> ActionResult:
        copy = backups.copies()[arn]
        shown = [] if copy.backup.wal else [{"DBInstanceAutomatedBackupsArn": arn}]
        setattr(copy.instance, "db_instance_automated_backups_replications", shown)  # noqa: B010 - moto does not declare it
        return ActionResult({"DBInstanceAutomatedBackup": _shown(arn, copy)})

    @patch.method(RDSResponse, "start_db_instance_automated_backups_replication")
    def start(_: Any, response: RDSResponse) -> ActionResult:
        instance = _source(response)
        arn = f"arn:aws:rds:{response.region}:{response.current_account}:auto-backup:ab-{secrets.token_hex(20)}"
        days = int(response.params.get("BackupRetentionPeriod") or 7)
        if not 1 <= days <= _MAXIMUM_DAYS:
            raise RDSClientError("InvalidParameterValue", f"{days} is not a retention of 1 to {_MAXIMUM_DAYS} days.")
        backups.copy(instance, arn, _key(response, instance), days)
        return changed(arn)

    @patch.method(RDSResponse, "stop_db_instance_automated_backups_replication")
    def stop(_: Any, response: RDSResponse) -> ActionResult:
        instance_arn = response.params["SourceDBInstanceArn"]
        for arn, copy in backups.copies().items():
            is_here = _region(arn) == response.region and copy.instance.db_instance_arn == instance_arn
            if is_here and not copy.backup.wal:
                backups.follow_no_more(arn)
                return changed(arn)
        raise RDSClientError("InvalidDBInstanceState", f"{instance_arn} is not replicating to the current region.")

    @patch.method(RDSBackend, "describe_db_instance_automated_backups")
    def describe(original: Any, backend: RDSBackend, **named: Any) -> list[Any]:
        asked = named.get("db_instance_automated_backups_arn")
        copies = {arn: copy for arn, copy in backups.copies().items() if _region(arn) == backend.region_name}
        if asked and asked not in copies:
            raise RDSClientError("DBInstanceAutomatedBackupNotFound", f"{asked} was not found.")
        shown = [_shown(arn, copy) for arn, copy in copies.items() if asked in {None, arn}]
        return shown if asked else [*original(backend, **named), *shown]


def _source(response: RDSResponse) -> DBInstance:
    arn = response.params["SourceDBInstanceArn"]
    if _region(arn) == response.region:
        raise RDSClientError("InvalidParameterValue", f"{arn} is in the region that the copies would be in.")
    found = rds_backends[response.current_account][_region(arn)].databases.get(arn.rpartition(":")[2])
    if found is None:
        raise DBInstanceNotFoundError(arn)
    if found.status != "available" or not found.backup_retention_period:
        raise RDSClientError("InvalidDBInstanceState", f"{arn} is not available, or has no automated backups.")
    return found


def _key(response: RDSResponse, instance: DBInstance) -> str | None:
    arn: str | None = response.params.get("KmsKeyId")
    key = kms_backends[response.current_account][response.region].keys.get((arn or "").rpartition("/")[2])
    if instance.storage_encrypted and (key is None or key.key_state != "Enabled"):
        raise RDSClientError("KMSKeyNotAccessibleFault", f"{arn} is not an enabled key in {response.region}.")
    return arn


def _shown(arn: str, copy: AutomatedBackup) -> dict[str, Any]:
    return {
        "DBInstanceAutomatedBackupsArn": arn,
        "DBInstanceArn": copy.instance.db_instance_arn,
        "DBInstanceIdentifier": copy.instance.db_instance_identifier,
        "Status": "retained" if copy.backup.wal else "replicating",
        "KmsKeyId": copy.key_arn,
        "BackupRetentionPeriod": copy.days,
    }


def _region(arn: str) -> str:
    return arn.split(":")[3]
