"""One PostgreSQL server behind one instance of moto's RDS: its settings, its start, and the master's password."""

import contextlib
import json
import secrets
import threading
import time
from collections.abc import Mapping
from typing import Any

import pg8000.exceptions
import pg8000.native
from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBInstance, MasterUserSecret
from moto.secretsmanager.models import secretsmanager_backends

from devtools.postgres.binaries import Binaries
from devtools.postgres.cluster import Backup, Cluster
from devtools.postgres.role_patch import RolePatch
from localaws.iam.authorizer import Authorizer
from localaws.rds.backups import WAL_KEPT, Backups
from localaws.rds.iam_auth import Endpoint, refusal
from localaws.secretsmanager.secrets import put_secret_value, schedule
from localaws.settings import Context

_AVAILABLE_LIBRARIES = frozenset({"pg_stat_statements", "auto_explain"})
_ROTATION_DAYS = 7
_START_SECONDS = 90
# AWS names one or two minutes for a failover; health checks are ten times as frequent here.
_FAILOVER_SECONDS = 8
_USED_BYTES = "SELECT sum(pg_database_size(oid)) FROM pg_database"
_SESSIONS = """
SELECT usename::text, application_name, client_port FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND usename <> session_user
"""


def server_settings(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return a parameter group's settings for PostgreSQL, without those of RDS and without formulas."""
    settings = {}
    for name, value in parameters.items():
        if name.startswith("rds.") or "{" in value:
            continue
        if name == "shared_preload_libraries":
            wanted = [library.strip() for library in value.split(",")]
            settings[name] = ",".join(library for library in wanted if library in _AVAILABLE_LIBRARIES)
        else:
            settings[name] = value
    return settings


class DatabaseServer:
    """One instance of moto with the server behind it."""

    def __init__(
        self, instance: DBInstance, binaries: Binaries, context: Context, backup: Backup | None, backups: Backups
    ) -> None:
        self.instance = instance
        self._backup = backup
        self._backups = backups
        self.error: str | None = None
        self._session: pg8000.native.Connection | None = None
        self._session_lock = threading.Lock()
        self._journal = context.journal
        self._settings = context.settings
        self._authorizer = Authorizer(context.settings, context.journal)
        self._secrets = secretsmanager_backends[context.settings.account_id][instance.region]
        self.cluster = Cluster(
            binaries,
            context.authority,
            processes=context.processes,
            log=context.settings.logs_directory / f"postgresql-{instance.db_instance_identifier}.log",
            settings={"wal_keep_size": WAL_KEPT, **server_settings(self._parameters())},
            token_refusal=self._token_refusal if instance.enable_iam_database_authentication else None,
            role_patch=RolePatch.DOCUMENTED,
        )
        self.starting = threading.Thread(
            target=self._start, name=f"start {instance.db_instance_identifier}", daemon=True
        )

    @property
    def managed_secret(self) -> MasterUserSecret | None:
        """Return the master's secret, if RDS manages one."""
        secret: MasterUserSecret | None = getattr(self.instance, "master_user_secret", None)
        return secret

    def sessions(self) -> list[dict[str, Any]]:
        """Return the login, application name and client port of each session; empty while the server is unavailable."""
        return [
            {"login": login, "application": application, "port": self.cluster.client_port(port)}
            for login, application, port in self._rows(_SESSIONS)
        ]

    def measured(self) -> dict[str, float]:
        """Return RDS's metrics of the instance; empty while the server is unavailable."""
        used = self._rows(_USED_BYTES)
        if not used:
            return {}
        free = int(self.instance.allocated_storage) * 1024**3 - float(used[0][0])
        if free <= 0:
            self._set_status("storage-full")
            self.cluster.halt()
        return {"DatabaseConnections": len(self._rows(_SESSIONS)), "FreeStorageSpace": free}

    def change(self, settings: Mapping[str, Any]) -> None:
        """Follow a ModifyDBInstance."""
        if settings.get("allocated_storage") and self.instance.status == "storage-full":
            self.cluster.resume()
            self._set_status("available")
        if settings.get("db_parameter_group_name"):
            self.apply_parameters()
        if settings.get("manage_master_user_password"):
            self.use_managed_password()

    def reboot(self) -> None:
        """End the server and, after the time of a failover, start it again; returns at once."""
        self._set_status("rebooting")
        self.starting = threading.Thread(target=self._restart, name="reboot", daemon=True)
        self.starting.start()

    def _restart(self) -> None:
        self.cluster.restart(pause_seconds=_FAILOVER_SECONDS)
        self._set_status("available")

    def _set_status(self, status: str) -> None:
        self.instance.status = status
        self._journal.record("database.status", instance=self.instance.db_instance_identifier, status=status)

    def _rows(self, query: str) -> list[Any]:
        with self._session_lock:
            try:
                if self.instance.status != "available":
                    return []
                if self._session is None:  # kept, because each new connection is a line in the server's log
                    self._session = self.cluster.open_as_superuser()
                return self._session.run(query) or []
            except (pg8000.exceptions.Error, OSError):
                self._session = None
                return []

    def end(self) -> None:
        """End the server, once it has started."""
        self.starting.join(_START_SECONDS)
        with self._session_lock, contextlib.suppress(pg8000.exceptions.Error, OSError):
            if self._session is not None:
                self._session.close()
            self._session = None
        self.cluster.stop()
        self._journal.record("database.ended", instance=self.instance.db_instance_identifier)

    def use_managed_password(self) -> None:
        """Give the master the password of the secret that RDS has just begun to manage."""
        self.cluster.set_password(str(self.instance.master_username), self._master_password())
        self._schedule_rotation()

    def rotate_master_password(self) -> None:
        """Give the master a new password and the managed secret a new version, as RDS does."""
        secret = self.managed_secret
        if secret is None:
            raise RDSClientError("InvalidParameterCombination", "RDS does not manage the master user's password.")
        credential = new_credential(str(self.instance.master_username))
        self.cluster.set_password(str(self.instance.master_username), json.loads(credential)["password"])
        put_secret_value(
            self._secrets,
            secret_id=secret.secret.arn,
            secret_string=credential,
            version_stages=["AWSCURRENT"],
        )
        secret.secret.last_rotation_date = int(time.time())
        self._journal.record("database.master_rotated", instance=self.instance.db_instance_identifier)

    def apply_parameters(self) -> None:
        """Apply the parameter group to the running server, as far as that goes without a restart."""
        if self.instance.status != "available":
            return
        for name, value in server_settings(self._parameters()).items():
            try:
                self.cluster.admin(f"ALTER SYSTEM SET {pg8000.native.identifier(name)} = {_literal(value)}")
            except pg8000.exceptions.Error as error:
                self._journal.record(
                    "database.parameter_refused",
                    instance=self.instance.db_instance_identifier,
                    parameter=name,
                    error=str(error),
                )
        self.cluster.admin("SELECT pg_reload_conf()")

    def _token_refusal(self, user: str, token: str) -> str | None:
        endpoint = Endpoint(f"{self.cluster.host}:{self.cluster.port}", str(self.instance.dbi_resource_id), user)
        reason = refusal(token, endpoint, self._settings, self._authorizer)
        name = self.instance.db_instance_identifier
        self._journal.record("database.token", instance=name, user=user, refused=reason)
        return reason

    def _start(self) -> None:
        name = self.instance.db_instance_identifier
        try:
            self.cluster.start(self._backup)
            if self._backup is None:
                self.cluster.create_master(str(self.instance.master_username), self._master_password())
                if self.instance.db_name and self.instance.db_name != "postgres":
                    self.cluster.create_database(self.instance.db_name, str(self.instance.master_username))
            self._backups.begin(self.instance, self.cluster)
        except Exception as error:  # noqa: BLE001 - any error fails the instance, which reports it
            self.error = str(error)
            self.instance.status = "failed"
            self._journal.record("database.failed", instance=name, error=self.error)
            return
        self._schedule_rotation()
        self.instance.status = "available"
        self._journal.record("database.available", instance=name, port=self.cluster.port)

    def _schedule_rotation(self) -> None:
        if self.managed_secret is not None:
            schedule(self.managed_secret.secret, {"AutomaticallyAfterDays": _ROTATION_DAYS})

    def _master_password(self) -> str:
        secret = self.managed_secret
        if secret is None:
            return str(self.instance._master_user_password)  # noqa: SLF001 - moto exposes it nowhere
        value = self._secrets.get_secret_value(secret.secret.arn, "", "AWSCURRENT")
        password: str = json.loads(value["SecretString"])["password"]
        return password

    def _parameters(self) -> dict[str, str]:
        return {
            name: str(parameter["ParameterValue"])
            for group in self.instance.db_parameter_groups()
            for name, parameter in group.parameters.items()
            if parameter.get("ParameterValue") is not None
        }


def new_credential(username: str) -> str:
    """Return the text of a managed secret: the master's user name and a new random password."""
    return json.dumps({"username": username, "password": secrets.token_urlsafe(24)})


def _literal(value: str) -> str:
    literal: str = pg8000.native.literal(value)
    return literal
