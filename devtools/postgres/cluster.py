"""A PostgreSQL server in the shape of one on RDS.

It accepts clients over TLS only, and the master user is not a superuser: roles made by ``create_master`` have
CREATEROLE and CREATEDB and are members of ``rds_superuser``, like RDS's master user ("Understanding the rds_superuser
role" in the RDS user guide). The superuser, ``rdsadmin``, can log in only through the server's Unix socket, and only
from this account.

Members of ``rds_iam`` can log in only by an IAM token, and only where tokens can be verified (``iam_proxy``). Masters
have RDS's rights to administer roles only where it is emulated (``role_patch``).
"""

import contextlib
import getpass
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pg8000.exceptions
import pg8000.native

from devtools.certificates import Authority
from devtools.errors import UserError
from devtools.ports import HOST, free_port
from devtools.postgres.binaries import Binaries
from devtools.postgres.iam_proxy import Authenticator, IamProxy, Upstream
from devtools.postgres.role_patch import FIRST_MAJOR_WITH_ADMIN_OPTION, INSTALL, RolePatch, RoleStatements
from devtools.processes import ProcessRegister

SUPERUSER = "rdsadmin"
_FIRST_MAJOR_WITH_STRATEGY = 15
_MAINTENANCE_DATABASE = "postgres"
START_TIMEOUT_SECONDS = 60
STOP_GRACE_SECONDS = 10

_RDS_ROLES = (
    "CREATE ROLE rds_superuser NOLOGIN",
    "CREATE ROLE rds_ad NOLOGIN",
    "CREATE ROLE rds_iam NOLOGIN",
    "CREATE ROLE rds_password NOLOGIN",
    "CREATE ROLE rds_replication NOLOGIN",
    "GRANT pg_monitor, pg_signal_backend TO rds_superuser WITH ADMIN OPTION",
    "GRANT rds_password, rds_replication TO rds_superuser WITH ADMIN OPTION",
)
_ROLES_SINCE = {16: "GRANT pg_checkpoint, pg_use_reserved_connections TO rds_superuser WITH ADMIN OPTION"}

_IS_MEMBER = "SELECT 1 FROM pg_roles WHERE rolname = :name AND pg_has_role(oid, 'rds_iam', 'MEMBER') AND NOT rolsuper"


@dataclass(frozen=True)
class Backup:
    """Data for a server to start from.

    Attributes:
        base: A folder from ``Cluster.back_up``.
        wal: A folder from ``Cluster.copy_wal`` of the same server; None for the data of ``base`` alone.
        until: The time of the last transactions to recover from ``wal``; None for all.
        masters: The names of its masters.
    """

    base: Path
    masters: tuple[str, ...]
    wal: Path | None = None
    until: datetime | None = None


class Cluster:
    """A running server with a separate data folder.

    Attributes:
        host: its address for clients; the certificate is valid for it and for ``localhost``.
        port: its port for clients, chosen by the system.
        major: its major version.
        log: its log file.
    """

    host = HOST

    def __init__(
        self,
        binaries: Binaries,
        authority: Authority,
        *,
        processes: ProcessRegister,
        log: Path,
        settings: Mapping[str, str] | None = None,
        require_tls: bool = True,
        token_refusal: Callable[[str, str], str | None] | None = None,
        role_patch: RolePatch | None = None,
    ) -> None:
        """Choose a port and a folder; nothing runs yet.

        Args:
            binaries: the server's programs.
            authority: who vouches for the server.
            processes: through which it is started.
            log: its log file.
            settings: of PostgreSQL.
            require_tls: refuse connections in plain text.
            token_refusal: for a user and a token, why the token does not let the user in, or None if it does. Without
                it no member of ``rds_iam`` gets in.
            role_patch: what masters can do with roles beyond PostgreSQL's rules; None for nothing.
        """
        self.authority = authority
        self.major = binaries.major
        self.log = log
        self.port = free_port()
        self._binaries = binaries
        self._processes = processes
        self._settings = dict(settings or {})
        self._network = "hostssl" if require_tls else "host"
        self._masters: list[str] = []
        self._token_refusal = token_refusal
        self._role_patch = role_patch if binaries.major >= FIRST_MAJOR_WITH_ADMIN_OPTION else None
        self._proxy: IamProxy | None = None
        self._kept: pg8000.native.Connection | None = None
        self._kept_lock = threading.RLock()
        # Behind a proxy the server has a separate port.
        self._has_proxy = token_refusal is not None or self._role_patch is not None
        self._server_port = free_port() if self._has_proxy else self.port
        self._server: subprocess.Popen[bytes] | None = None
        self._link = log.with_suffix(".data")
        self.directory = data_directory(self._link)

    def start(self, backup: Backup | None = None) -> None:
        """Make the data folder, start the server and wait until it answers, after recovery if it has a backup.

        Raises:
            UserError: the server does not start; the message carries the end of its log.
        """
        user = _server_user()
        folder = _reachable(self._binaries.folder, self.directory, user)
        certificate = self.authority.issue(self.directory, "server", [self.host, "localhost"])
        give_to_server(self.directory, self.directory / "server.crt", self.directory / "server.key")
        data = self.directory / "data"
        if backup is None:
            self._run([str(folder / "initdb"), "-D", str(data), "-U", SUPERUSER, "-A", "peer", *_INITDB_OPTIONS], user)
        else:
            self._run(["cp", "-a", str(backup.base), str(data)], user)
            self._masters += backup.masters
        self._configure(data, user, _recovery(data, backup))
        self._server = self._serve(folder, user)
        if backup is None:
            self._make_roles()
        if self._has_proxy:
            self._proxy = IamProxy(
                Upstream(self.host, self._server_port, self._socket),
                Authenticator(self._needs_token, self._token_refusal or _refuse),
                self._statements_of,
                certificate=certificate,
                ca_file=self.authority.ca_file,
            )
            self._proxy.start(self.host, self.port)

    def back_up(self, folder: Path) -> None:
        """Copy the data of the running server into a new folder, whose parent belongs to the server's account.

        Raises:
            UserError: pg_basebackup failed.
        """
        user = _server_user()
        program = _reachable(self._binaries.folder, self.directory, user) / "pg_basebackup"
        connection = ["-h", str(self.directory), "-p", str(self._server_port), "-U", SUPERUSER]
        options = ["--checkpoint=fast", "--wal-method=fetch", "--no-sync", "--no-manifest"]
        self._run([str(program), "-D", str(folder), *connection, *options], user)

    def copy_wal(self, folder: Path) -> None:
        """Copy the WAL up to now, with a commit at its end: recovery to a time fails if none follows."""
        self.admin("SELECT pg_current_xact_id()")
        self.admin("SELECT pg_switch_wal()")
        self._run(["cp", "-a", str(self.directory / "data" / "pg_wal"), str(folder)], _server_user())

    def restart(self, ask: signal.Signals = signal.SIGINT, pause_seconds: float = 0) -> None:
        """End the server with a signal, by default as when RDS reboots it, and start it again on the same data."""
        self.halt(ask)
        time.sleep(pause_seconds)
        self.resume()

    def halt(self, ask: signal.Signals = signal.SIGINT) -> None:
        """End the server with a signal, and keep its data."""
        if self._server is None:
            raise UserError("The server does not run.")
        self._close_kept()
        self._processes.stop(self._server, STOP_GRACE_SECONDS, ask=ask)
        self._server = None

    def resume(self) -> None:
        """Start a halted server on its data, and wait until it answers."""
        user = _server_user()
        self._server = self._serve(_reachable(self._binaries.folder, self.directory, user), user)

    def stop(self) -> None:
        """End the server and remove its data."""
        if self._proxy is not None:
            self._proxy.stop()
        self._close_kept()
        if self._server is not None:
            # SIGINT is PostgreSQL's fast shutdown: it disconnects clients instead of waiting for them.
            self._processes.stop(self._server, STOP_GRACE_SECONDS, ask=signal.SIGINT)
            self._server = None
        shutil.rmtree(self.directory, ignore_errors=True)
        self._link.unlink(missing_ok=True)

    def admin(self, statement: str, database: str = _MAINTENANCE_DATABASE, **parameters: object) -> list[list[Any]]:
        """Run one statement as the superuser and return its rows.

        The connection to ``postgres`` is kept, because opening one costs more than most statements. Others are not: a
        database with a connection cannot be dropped.
        """
        if database != _MAINTENANCE_DATABASE:
            with self.connect_as_superuser(database) as connection:
                return connection.run(statement, **parameters) or []
        with self._kept_lock:
            if self._kept is None:
                self._kept = self.open_as_superuser()
            try:
                return self._kept.run(statement, **parameters) or []
            except BaseException:
                self._close_kept()
                raise

    @contextlib.contextmanager
    def connect_as_superuser(self, database: str = _MAINTENANCE_DATABASE) -> Iterator[pg8000.native.Connection]:
        """A connection of the superuser through the server's own socket, closed at the end."""
        connection = self.open_as_superuser(database)
        try:
            yield connection
        finally:
            connection.close()

    def open_as_superuser(self, database: str = _MAINTENANCE_DATABASE) -> pg8000.native.Connection:
        """The same for the caller to close."""
        # Without ssl_context=False, pg8000 loads the system's authorities (17 ms) and tries TLS even on a Unix socket.
        return pg8000.native.Connection(
            SUPERUSER, database=database, unix_sock=str(self._socket), timeout=30, ssl_context=False
        )

    def client_port(self, port: int) -> int | None:
        """The port of 127.0.0.1 from which a client really came whom the server sees come from ``port``."""
        return port if self._proxy is None else self._proxy.client_port(port)

    def create_master(self, name: str, password: str) -> None:
        """Make a role shaped like RDS's master user."""
        self.admin(f"CREATE ROLE {_quoted(name)} LOGIN CREATEROLE CREATEDB IN ROLE rds_superuser")
        self.set_password(name, password)
        self._masters.append(name)
        self._write_access_rules(self.directory / "data")
        self.admin("SELECT pg_reload_conf()")

    def set_password(self, name: str, password: str) -> None:
        """Set a role's password, without letting the server write it to its log."""
        with self._kept_lock:
            try:
                self.admin("SET log_statement = 'none'")
                self.admin("SET log_min_error_statement = 'panic'")
                self.admin(f"ALTER ROLE {_quoted(name)} PASSWORD {pg8000.native.literal(password)}")
            finally:
                self.admin("RESET ALL")

    def create_database(self, name: str, owner: str) -> None:
        """Make a database; copying files costs a fraction of the CPU time that writing them to the log does."""
        strategy = "STRATEGY file_copy" if self.major >= _FIRST_MAJOR_WITH_STRATEGY else ""
        self.admin(f"CREATE DATABASE {_quoted(name)} OWNER {_quoted(owner)} {strategy}")

    def _serve(self, folder: Path, user: str | None) -> subprocess.Popen[bytes]:
        """Start the server's program, and wait until it answers."""
        data = self.directory / "data"
        argv = [str(folder / "postgres"), "-D", str(data)]
        server = self._processes.start(argv, env=_environment(), cwd=self.directory, log=self.log, user=user)
        self._wait_until_it_answers(server)
        return server

    def _make_roles(self) -> None:
        for statement in (*_RDS_ROLES, *(grant for since, grant in _ROLES_SINCE.items() if since <= self.major)):
            self.admin(statement)
        for database, statement in product(("template1", _MAINTENANCE_DATABASE), INSTALL if self._role_patch else ()):
            self.admin(statement, database)

    def _configure(self, data: Path, user: str | None, recovery: Mapping[str, str]) -> None:
        settings = {
            "listen_addresses": self.host,
            "port": str(self._server_port),
            "unix_socket_directories": str(self.directory),
            "ssl": "on",
            "ssl_cert_file": str(self.directory / "server.crt"),
            "ssl_key_file": str(self.directory / "server.key"),
            "password_encryption": "scram-sha-256",
            "max_connections": "100",
            # The data is as short-lived as the run, and may be in memory.
            "fsync": "off",
            "max_wal_size": "128MB",
            "log_connections": "on",
            **recovery,
            **self._settings,
        }
        with (data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {pg8000.native.literal(value)}\n" for name, value in settings.items())
        accounts = {getpass.getuser(), user or getpass.getuser()}
        (data / "pg_ident.conf").write_text("".join(f"admin {account} {SUPERUSER}\n" for account in sorted(accounts)))
        self._write_access_rules(data)

    def _write_access_rules(self, data: Path) -> None:
        rules = [
            f"local all,replication {SUPERUSER} peer map=admin",
            *(f"local all {_quoted(master)} reject" for master in self._masters),
            # The proxy has verified a token, and no other account can enter the socket's folder.
            *(["local all +rds_iam trust"] if self._token_refusal else []),
            "local all all reject",
            f"{self._network} all {SUPERUSER} all reject",
            *(f"{self._network} all {_quoted(master)} all scram-sha-256" for master in self._masters),
            # On RDS a member of rds_iam logs in by IAM token only. The server cannot tell a good one.
            f"{self._network} all +rds_iam all reject",
            f"{self._network} all all all scram-sha-256",
        ]
        (data / "pg_hba.conf").write_text("".join(f"{rule}\n" for rule in rules))

    @property
    def _socket(self) -> Path:
        return self.directory / f".s.PGSQL.{self._server_port}"

    def _needs_token(self, user: str) -> bool:
        if user in self._masters:
            return False
        return bool(self.admin(_IS_MEMBER, name=user))

    def _statements_of(self, user: str) -> RoleStatements | None:
        return RoleStatements(self._role_patch) if self._role_patch and user in self._masters else None

    def _close_kept(self) -> None:
        with self._kept_lock:
            if self._kept is not None:
                with contextlib.suppress(pg8000.exceptions.Error, OSError):
                    self._kept.close()
                self._kept = None

    def _run(self, argv: Sequence[str], user: str | None) -> None:
        done = subprocess.run(
            argv,
            env=_environment(),
            cwd=self.directory,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise UserError(f"{argv[0]} failed: {done.stderr.strip() or done.stdout.strip()}")

    def _wait_until_it_answers(self, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while True:
            try:
                self.admin("SELECT 1")
            except (OSError, pg8000.exceptions.Error) as error:
                if server.poll() is not None or time.monotonic() > deadline:
                    end_of_log = "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])
                    raise UserError(f"PostgreSQL does not start ({error}). Its log ends:\n{end_of_log}") from error
                time.sleep(0.05)
            else:
                return


# RDS's databases know upper and lower case beyond ASCII, and so must these. Linux has C.UTF-8, and macOS has not.
_LOCALE = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
_INITDB_OPTIONS = (f"--locale={_LOCALE}", "--encoding=UTF8", "--no-sync")


# Where Linux has memory to spare, a tenth of the kernel's time that data on a disk takes.
_RAM_DISK = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a folder there that only this account can enter
_RAM_DISK_BYTES = 2**30


def _data_parent() -> Path | None:
    """The RAM disk if it has space and lets programs run (`_reachable` may copy them there), else None."""
    if not os.access(_RAM_DISK, os.W_OK | os.X_OK):
        return None
    disk = os.statvfs(_RAM_DISK)
    return None if disk.f_flag & os.ST_NOEXEC or disk.f_bavail * disk.f_frsize < _RAM_DISK_BYTES else _RAM_DISK


def data_directory(link: Path) -> Path:
    """Make a folder for data, with a link next to the logs, through which ``remove_left_data`` finds it."""
    directory = Path(tempfile.mkdtemp(prefix="taproom-postgresql-", dir=_data_parent()))
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(directory)
    return directory


def give_to_server(*paths: Path) -> None:
    """Let the server's account write to these paths."""
    user = _server_user()
    if user is not None:
        account = pwd.getpwnam(user)
        for path in paths:
            os.chown(path, account.pw_uid, account.pw_gid)


def _recovery(data: Path, backup: Backup | None) -> dict[str, str]:
    """Prepare copied data for recovery, and return the settings for it."""
    if backup is None:
        return {}
    (data / "postgresql.auto.conf").write_text("")
    if backup.wal is None:
        return {}
    (data / "recovery.signal").touch()
    return {
        "restore_command": f"cp '{backup.wal}/%f' '%p'",
        "recovery_target_time": "" if backup.until is None else backup.until.astimezone(UTC).isoformat(),
        "recovery_target_action": "promote",
        "hot_standby": "off",
    }


def remove_left_data(log_directory: Path) -> None:
    """Remove the data folders that servers with a log in ``log_directory`` left behind."""
    for link in log_directory.glob("*.data"):
        target = link.readlink()
        if target.name.startswith("taproom-postgresql-") and target.parent in {_RAM_DISK, Path(tempfile.gettempdir())}:
            shutil.rmtree(target, ignore_errors=True)
        link.unlink()


def _refuse(_user: str, _token: str) -> str:
    return "tokens are not verified"


def _server_user() -> str | None:
    """The account for the server: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise UserError(
        "PostgreSQL refuses to run as root, and this machine has no account `postgres` or `nobody` to run it as. "
        "Run as an ordinary user, or add such an account (`useradd --system postgres`)."
    )


def _reachable(folder: Path, directory: Path, user: str | None) -> Path:
    """The programs' folder, or a copy in ``directory`` when ``user`` cannot enter the path to it."""
    everybody_enters = all(parent.stat().st_mode & stat.S_IXOTH for parent in folder.resolve().parents)
    if user is None or everybody_enters:
        return folder
    copy = directory / "programs"
    shutil.copytree(folder.resolve().parent, copy, symlinks=True, dirs_exist_ok=True)
    return copy / folder.name


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "TZ": "UTC"}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
