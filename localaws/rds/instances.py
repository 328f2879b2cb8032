"""A real PostgreSQL server behind every RDS instance of engine postgres.

CreateDBInstance starts a server (``devtools.postgres``) and shows ``creating`` until it answers; the endpoint is its
address on this machine. As in RDS, the master user is not a superuser, its password is only in the secret that RDS
manages, and rotating that secret changes it. Deletion ends the server.

Different from AWS:
- The address is 127.0.0.1, and the system chooses the port.
- The server's major version is what this machine has; the journal says so if another one was requested.
- Parameters: plain connections are always refused. PostgreSQL's own parameters are applied as they change, static ones
  at the start. Values that RDS computes from the instance class are PostgreSQL's defaults here. Other ``rds.``
  parameters and unavailable preloaded libraries are ignored.
- Members of ``rds_iam`` log in with a role's IAM token, if the instance was created with IAM authentication; changes of
  that take effect at the next start. Their sessions reach the server through its socket and have no client address.
- Automated backups (`localaws/rds/backups.py`) begin before the instance is available, and can be restored up to now;
  on AWS up to five minutes ago. moto's automated snapshots and copies of snapshots have no data.
- Exported logs, Performance Insights, a standby and replicas exist in name only. A stopped instance runs on, and
  the master's password changes by rotation alone.
- Storage is full when the databases' files are as large as what is allocated; the server then stops until there is
  more. Logs and WAL do not count, and nothing extends storage automatically.
- A reboot, with or without failover, ends the server for some seconds; its address stays.
- The managed secret has RDS's schedule or the configured one, and is rotated only on request.
"""

import secrets
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBInstance, DBParameterGroup, DBSnapshot, MasterUserSecret, RDSBackend
from moto.secretsmanager.exceptions import InvalidRequestException
from moto.secretsmanager.models import FakeSecret, SecretsManagerBackend

from devtools.errors import UserError
from devtools.postgres.binaries import Binaries
from devtools.postgres.cluster import Backup
from localaws.cloudwatch.metrics import Gauge, Measurement
from localaws.patch import MonkeyPatch
from localaws.rds.backups import Backups, restored_settings
from localaws.rds.copies import copy_backups
from localaws.rds.server import DatabaseServer, new_credential
from localaws.secretsmanager.secrets import schedule
from localaws.settings import Context

_STOP_SECONDS = 30
_BACKUP = "backup"  # among the settings of an instance that is restored
# Defaults of RDS's families from postgres15 on. A parameter set to its default keeps RDS as its source.
_DEFAULTS = {"rds.force_ssl": "1", "password_encryption": "scram-sha-256"}
# Settings that moto's instance does not keep, by the name under which it shows them.
_SHOWN_SETTINGS = {
    "enable_performance_insights": "performance_insights_enabled",
    "performance_insights_kms_key_id": "performance_insights_kms_key_id",
    "performance_insights_retention_period": "performance_insights_retention_period",
    "engine_lifecycle_support": "engine_lifecycle_support",
}


class Databases:
    """The servers behind the instances of moto's RDS."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._patch = MonkeyPatch()
        self._server_by_instance: dict[str, DatabaseServer] = {}
        self._ending: list[threading.Thread] = []
        self._backups = Backups(context.settings.logs_directory)
        self._extend_creation()
        self._extend_changes()
        self._show_addresses()
        self._extend_secrets()
        self._extend_snapshots()
        self._extend_restores()
        copy_backups(self._patch, self._backups)
        self._gauge = Gauge(context, self._measured)

    def stop(self) -> None:
        """End every server."""
        self._gauge.stop()
        self._patch.undo()
        for instance in list(self._server_by_instance):
            self._end(instance)
        for thread in self._ending:
            thread.join(_STOP_SECONDS)
        self._backups.remove()

    def status(self) -> dict[str, Any]:
        """Return each instance with its state, address, version, sessions and, if it failed, the reason."""
        return {
            name: {
                "state": server.instance.status,
                "address": f"{server.cluster.host}:{server.cluster.port}",
                "postgresql": server.cluster.major,
                "log": str(server.cluster.log),
                "error": server.error,
                "sessions": server.sessions(),
            }
            for name, server in list(self._server_by_instance.items())
        }

    def _measured(self) -> Iterator[Measurement]:
        for name, server in list(self._server_by_instance.items()):
            yield "AWS/RDS", {"DBInstanceIdentifier": name}, server.measured()

    def _extend_creation(self) -> None:
        @self._patch.method(RDSBackend, "create_db_instance")
        def create(original: Any, backend: RDSBackend, db_kwargs: dict[str, Any]) -> Any:
            if db_kwargs.get("engine") != "postgres" or db_kwargs.get("db_cluster_identifier"):
                return original(backend, db_kwargs)
            binaries = _find_binaries()
            backup = db_kwargs.pop(_BACKUP, None)
            instance = original(backend, db_kwargs)
            self._begin(instance, binaries, db_kwargs, backup)
            return instance

        @self._patch.method(RDSBackend, "delete_db_instance")
        def delete(original: Any, backend: RDSBackend, db_instance_identifier: str, *rest: Any, **named: Any) -> Any:
            instance = original(backend, db_instance_identifier, *rest, **named)
            self._end(db_instance_identifier, keep_backups=named.get("delete_automated_backups") is False)
            return instance

    def _extend_changes(self) -> None:
        @self._patch.method(RDSBackend, "modify_db_instance")
        def modify(original: Any, backend: RDSBackend, db_instance_identifier: str, db_kwargs: dict[str, Any]) -> Any:
            instance: DBInstance = original(backend, db_instance_identifier, db_kwargs)
            _show_settings(instance, db_kwargs)
            server = self._server_by_instance.pop(db_instance_identifier, None)
            if server is not None:
                self._server_by_instance[instance.db_instance_identifier] = server
                server.change(db_kwargs)
            return instance

        @self._patch.method(RDSBackend, "reboot_db_instance")
        def reboot(original: Any, backend: RDSBackend, db_instance_identifier: str) -> Any:
            instance = original(backend, db_instance_identifier)
            if server := self._server_by_instance.get(db_instance_identifier):
                server.reboot()
            return instance

        @self._patch.method(RDSBackend, "modify_db_parameter_group")
        def modify_group(original: Any, backend: RDSBackend, *arguments: Any, **named: Any) -> Any:
            group: DBParameterGroup = original(backend, *arguments, **named)
            for name, parameter in group.parameters.items():
                is_default = parameter.get("ParameterValue") == _DEFAULTS.get(name)
                parameter["Source"] = "system" if is_default else "user"
                if is_default:
                    parameter["ApplyMethod"] = "pending-reboot"
            for server in list(self._server_by_instance.values()):
                if server.instance.db_parameter_group_name == group.name:
                    server.apply_parameters()
            return group

    def _extend_snapshots(self) -> None:
        @self._patch.method(RDSBackend, "create_db_snapshot")
        def create(original: Any, backend: RDSBackend, *arguments: Any, **named: Any) -> DBSnapshot:
            snapshot: DBSnapshot = original(backend, *arguments, **named)
            server = self._server_by_instance.get(snapshot.db_instance_identifier)
            if server is not None and snapshot.snapshot_type == "manual":
                self._backups.take_snapshot(snapshot, server.cluster)
            return snapshot

    def _extend_restores(self) -> None:
        patch = self._patch

        @patch.method(RDSBackend, "restore_db_instance_from_db_snapshot")
        def from_snapshot(_: Any, backend: RDSBackend, from_snapshot_id: str, overrides: dict[str, Any]) -> DBInstance:
            snapshot = backend.get_db_snapshot(from_snapshot_id.rpartition(":")[2])
            backup = self._backups.of_snapshot(snapshot)
            settings = restored_settings(snapshot.database, {**overrides, _BACKUP: backup})
            return backend.create_db_instance(settings)

        @patch.method(RDSBackend, "restore_db_instance_to_point_in_time")
        def to_point_in_time(
            _: Any, backend: RDSBackend, source: str | None, target: str, overrides: dict[str, Any]
        ) -> DBInstance:
            copy = overrides.get("source_db_instance_automated_backups_arn")
            found = self._backups.automated(source, copy or overrides.get("source_dbi_resource_id"))
            backup = self._backups.until(found, overrides.get("restore_time"))
            given = {"kms_key_id": found.key_arn, **overrides, "db_instance_identifier": target, _BACKUP: backup}
            return backend.create_db_instance(restored_settings(found.instance, given))

    def _show_addresses(self) -> None:
        def address(instance: DBInstance) -> str:
            server = self._server_by_instance.get(instance.db_instance_identifier)
            if server is not None:
                return server.cluster.host
            return f"{instance.db_instance_identifier}.aaaaaaaaaa.{instance.region}.rds.amazonaws.com"

        self._patch.attribute(DBInstance, "address", property(address))

    def _extend_secrets(self) -> None:
        patch = self._patch

        @patch.method(MasterUserSecret, "_generate_secret_string")
        def generate(_original: Any, secret: MasterUserSecret) -> str:
            return new_credential(str(secret.resource.master_username))

        @patch.method(MasterUserSecret, "rotate_secret")
        def rotate_master(original: Any, secret: MasterUserSecret) -> None:
            server = self._server_by_instance.get(getattr(secret.resource, "db_instance_identifier", ""))
            if server is None:
                original(secret)
            else:
                server.rotate_master_password()

        @patch.method(SecretsManagerBackend, "rotate_secret")
        def rotate(original: Any, backend: SecretsManagerBackend, secret_id: str, *arguments: Any, **named: Any) -> Any:
            server = self._server_with_secret(secret_id)
            if server is None:
                return original(backend, secret_id, *arguments, **named)
            if named.get("rotation_lambda_arn"):
                raise InvalidRequestException("You can't set a rotation function: RDS rotates this secret.")
            secret: FakeSecret = server.managed_secret.secret  # type: ignore[union-attr]  # it was found by it
            schedule(secret, named.get("rotation_rules"))
            if named.get("rotate_immediately", True):
                server.rotate_master_password()
            return secret.to_short_dict()

        @patch.method(SecretsManagerBackend, "cancel_rotate_secret")
        def cancel(original: Any, backend: SecretsManagerBackend, secret_id: str) -> Any:
            server = self._server_with_secret(secret_id)
            if server is None:
                return original(backend, secret_id)
            secret: FakeSecret = server.managed_secret.secret  # type: ignore[union-attr]  # it was found by it
            secret.rotation_enabled = False
            return secret.to_short_dict()

    def _server_with_secret(self, secret_id: str) -> DatabaseServer | None:
        for server in list(self._server_by_instance.values()):
            secret = server.managed_secret
            if secret is not None and secret_id in (secret.secret.arn, secret.secret.name):
                return server
        return None

    def _begin(
        self, instance: DBInstance, binaries: Binaries, db_kwargs: Mapping[str, Any], backup: Backup | None
    ) -> None:
        _show_settings(instance, db_kwargs)
        instance.dbi_resource_id = "db-" + secrets.token_hex(13).upper()
        instance.status = "creating"
        server = DatabaseServer(instance, binaries, self._context, backup, self._backups)
        instance.port = server.cluster.port
        self._server_by_instance[instance.db_instance_identifier] = server
        if str(binaries.major) != str(instance.engine_version).partition(".")[0]:
            self._context.journal.record(
                "database.other_version",
                instance=instance.db_instance_identifier,
                asked=instance.engine_version,
                runs=binaries.major,
            )
        server.starting.start()

    def _end(self, identifier: str, *, keep_backups: bool = False) -> None:
        server = self._server_by_instance.pop(identifier, None)
        if server is not None:
            self._backups.end(server.instance, keep=keep_backups)
            thread = threading.Thread(target=server.end, name=f"end {identifier}", daemon=True)
            thread.start()
            self._ending.append(thread)


def _show_settings(instance: DBInstance, db_kwargs: Mapping[str, Any]) -> None:
    for name, shown in _SHOWN_SETTINGS.items():
        if db_kwargs.get(name) is not None:
            setattr(instance, shown, db_kwargs[name])


def _find_binaries() -> Binaries:
    try:
        return Binaries.find()
    except UserError as error:
        raise RDSClientError("InvalidParameterCombination", str(error)) from error
