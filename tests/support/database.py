"""Throwaway PostgreSQL servers, and throwaway databases on them."""

import secrets
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import pg8000.native

from devtools.certificates import Authority, create_authority
from devtools.postgres.binaries import Binaries
from devtools.postgres.cluster import Backup, Cluster
from devtools.postgres.role_patch import RolePatch
from devtools.processes import ProcessRegister

_TEST_SETTINGS = {
    # Tests search the log and pg_stat_statements for leaked secrets, so both record every statement.
    "log_statement": "all",
    "shared_preload_libraries": "pg_stat_statements",
    # No database lives long enough to need it, and it would visit each.
    "autovacuum": "off",
    "max_prepared_transactions": "5",
}


@contextmanager
def running_cluster(
    binaries: Binaries,
    directory: Path,
    settings: Mapping[str, str] = _TEST_SETTINGS,
    *,
    role_patch: RolePatch | None = None,
    token_refusal: Callable[[str, str], str | None] | None = None,
    restored: tuple[Backup, Authority] | None = None,
) -> Iterator[Cluster]:
    """Run a server for the duration of the block, or one with the data and authority of another."""
    backup, authority = restored or (None, create_authority(directory / "authority"))
    cluster = Cluster(
        binaries,
        authority,
        processes=ProcessRegister(directory / "processes.jsonl"),
        log=directory / "postgresql.log",
        settings=settings,
        role_patch=role_patch,
        token_refusal=token_refusal,
    )
    try:
        cluster.start(backup)
        yield cluster
    finally:
        cluster.stop()


class Servers:
    """The servers of one test process: each starts when a test first needs it, and all stop at the end."""

    def __init__(self, make_directory: Callable[[str], Path]) -> None:
        self._make_directory = make_directory
        self._running: dict[tuple[int, RolePatch | None], Cluster] = {}
        self._stack = ExitStack()

    def get(self, binaries: Binaries, role_patch: RolePatch | None = None) -> Cluster:
        """Return the server of a major version, whose masters have RDS's rights as far as the patch goes."""
        key = (binaries.major, role_patch)
        if key not in self._running:
            started = running_cluster(binaries, self._make_directory("postgresql"), role_patch=role_patch)
            self._running[key] = self._stack.enter_context(started)
        return self._running[key]

    def stop(self) -> None:
        self._stack.close()


class Database:
    """One database, its master and the roles that a test creates with it.

    Attributes:
        name: the database's name.
        master: the master's name; a role with CREATEROLE and CREATEDB in rds_superuser, the database's owner.
        password: the master's password.
    """

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster = cluster
        self.name = name
        self.master = f"{name}_master"
        self.password = secrets.token_urlsafe(18)
        self._roles_before = self._roles()
        cluster.create_master(self.master, self.password)
        cluster.create_database(name, self.master)

    def url(self, user: str | None = None, password: str | None = None) -> str:
        """An address for SQLAlchemy that verifies the server, of ``user`` or else of the master."""
        login = f"{quote(user or self.master, safe='')}:{quote(password or self.password, safe='')}"
        verified = f"sslmode=verify-full&sslrootcert={quote(str(self.cluster.authority.ca_file), safe='')}"
        return f"postgresql+pg8000://{login}@{self.cluster.host}:{self.cluster.port}/{self.name}?{verified}"

    @contextmanager
    def connect(self, user: str | None = None, password: str | None = None) -> Iterator[pg8000.native.Connection]:
        """A connection over verified TLS, of ``user`` or else of the master."""
        cluster = self.cluster
        connection = connect_over_tls(
            (cluster.host, cluster.port),
            self.name,
            user or self.master,
            password or self.password,
            ssl.create_default_context(cafile=str(cluster.authority.ca_file)),
        )
        try:
            yield connection
        finally:
            connection.close()

    def drop(self) -> None:
        """Drop the database and every role that has appeared on the server since it was made."""
        self.cluster.admin(f"DROP DATABASE IF EXISTS {_quoted(self.name)} WITH (FORCE)")
        left = ", ".join(map(_quoted, sorted(self._roles() - self._roles_before)))
        if left:
            self.cluster.admin(f"DROP OWNED BY {left} CASCADE")
            self.cluster.admin(f"DROP ROLE {left}")

    def _roles(self) -> set[str]:
        return {name for (name,) in self.cluster.admin("SELECT rolname FROM pg_roles")}


def connect_over_tls(
    address: tuple[str, int], database: str, user: str, password: str, tls: ssl.SSLContext | Literal[False]
) -> pg8000.native.Connection:
    """Connect without the 40 ms that pg8000's small packets otherwise wait for an acknowledgement; TLS can be off."""
    plain = socket.create_connection(address, timeout=30)
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return pg8000.native.Connection(
            user, password=password, host=address[0], database=database, sock=plain, ssl_context=tls
        )
    except BaseException:
        plain.close()
        raise


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
