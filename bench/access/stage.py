"""A server with schemas, tables and sequences, put back to where nobody has been granted anything."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pg8000.native import identifier, literal

from bench.access import workload
from bench.access.workload import FoundRole, Size
from bench.errors import BenchError
from db_bootstrap.inspect.session import Credential, Endpoint
from devtools.certificates import create_authority
from devtools.postgres.binaries import servers_by_major
from devtools.postgres.cluster import SUPERUSER, Cluster
from devtools.processes import ProcessRegister

MAJOR = 15
MASTER = "bench_master"
_TEMPLATE = "bench_template"

_ROLES = """
SELECT rolname, rolcanlogin, rolsuper,
       ARRAY[CASE WHEN rolcreatedb THEN 'CREATEDB' END, CASE WHEN rolcreaterole THEN 'CREATEROLE' END,
             CASE WHEN rolreplication THEN 'REPLICATION' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END],
       ARRAY(SELECT pg_get_userbyid(roleid)::text FROM pg_auth_members WHERE member = r.oid)
FROM pg_roles r WHERE rolname <> 'pg_signal_backend'
"""

_PRIVILEGES = """
SELECT count(*) FROM pg_class c, aclexplode(c.relacl) a
WHERE c.relkind IN ('r', 'S') AND pg_get_userbyid(a.grantee) = ANY (CAST(:groups AS text[]))
"""


class Stage:
    """A server of its own for one size.

    Attributes:
        cluster: The server; its superuser comes in through its socket only.
    """

    def __init__(self, cluster: Cluster, size: Size) -> None:
        self.cluster = cluster
        self.size = size
        self._password = secrets.token_urlsafe(18)
        cluster.create_master(MASTER, self._password)
        # Made by the master, who may administer it then, as is usual on RDS.
        with cluster.connect_as_superuser() as connection:
            connection.run(f"SET SESSION AUTHORIZATION {identifier(MASTER)}")
            connection.run(f"CREATE ROLE {workload.OWNER}")
        cluster.create_database(_TEMPLATE, MASTER)
        with cluster.connect_as_superuser(_TEMPLATE) as connection:
            connection.run("DROP SCHEMA public")  # the tools do not agree about it
            for statement in workload.objects(size):
                connection.run(statement)
        self.roles = tuple(
            FoundRole(name, can_login, is_superuser, tuple(filter(None, attributes)), tuple(groups))
            for name, can_login, is_superuser, attributes, groups in cluster.admin(_ROLES)
        )
        self._kept = self._role_names()

    @property
    def endpoint(self) -> Endpoint:
        """The database, for a client that comes in over TLS."""
        ca_file = str(self.cluster.authority.ca_file)
        return Endpoint(self.cluster.host, self.cluster.port, workload.DATABASE, ca_file)

    @property
    def master(self) -> Credential:
        """A login shaped like RDS's master user, which owns the database and is no superuser."""
        return Credential(MASTER, self._password)

    @property
    def superuser_address(self) -> str:
        """The database, as libpq reads it, for a client that comes in through the socket."""
        return f"host={self.cluster.directory} port={self.cluster.port} user={SUPERUSER} dbname={workload.DATABASE}"

    def reset(self) -> None:
        """Put everything back: the database new from its template, the roles of the tools gone."""
        with self.cluster.connect_as_superuser() as connection:
            connection.run(f"COMMENT ON ROLE {workload.OWNER} IS NULL")
            connection.run(f"DROP DATABASE IF EXISTS {workload.DATABASE} WITH (FORCE)")
            for name in self._role_names() - self._kept:
                connection.run(f"DROP ROLE {identifier(name)}")
            connection.run(f"CREATE DATABASE {workload.DATABASE} TEMPLATE {_TEMPLATE} OWNER {identifier(MASTER)}")
            # What is left to write would be written while somebody is measured.
            connection.run("CHECKPOINT")
        self.cluster.set_password(MASTER, self._password)  # pgbedrock takes those that it is not told of
        self.cluster.admin("ANALYZE", workload.DATABASE)

    def _role_names(self) -> frozenset[str]:
        return frozenset(name for (name,) in self.cluster.admin("SELECT rolname FROM pg_roles"))

    def check(self) -> None:
        """See that the groups have exactly the privileges that were wished for.

        Raises:
            BenchError: They have not, so nothing that was measured can be compared.
        """
        ((found,),) = self.cluster.admin(_PRIVILEGES, workload.DATABASE, groups=list(workload.GROUPS))
        if found != self.size.privileges:
            raise BenchError(f"The groups have {found} privileges on objects, and should have {self.size.privileges}.")

    @contextmanager
    def counting_messages(self) -> Iterator[list[str]]:
        """Collect what clients ask of the database; the list is filled at the end."""
        setting = f"ALTER DATABASE {workload.DATABASE} SET log_statement = "
        self.cluster.admin(setting + literal("all"))
        start = self.cluster.log.stat().st_size
        asked: list[str] = []
        yield asked
        self.cluster.admin(setting + literal("none"))
        with self.cluster.log.open("rb") as log:
            log.seek(start)
            asked += (line for line in log.read().decode(errors="replace").splitlines() if _is_a_message(line))


def _is_a_message(line: str) -> bool:
    return "LOG:  statement: " in line or "LOG:  execute " in line


@contextmanager
def stage(size: Size, folder: Path) -> Iterator[Stage]:
    """A running server with everything that ``size`` asks for, ended at the end.

    Raises:
        BenchError: There is no PostgreSQL of the right version.
    """
    binaries = next((server for server in servers_by_major() if server.major == MAJOR), None)
    if binaries is None:
        raise BenchError(f"PostgreSQL {MAJOR} is not here; `make bench SUITE=access` fetches it.")
    cluster = Cluster(
        binaries,
        create_authority(folder / "authority"),
        processes=ProcessRegister(folder / "processes.jsonl"),
        log=folder / "postgresql.log",
        settings={"log_connections": "off", "shared_buffers": "256MB", "max_wal_size": "4GB", "autovacuum": "off"},
    )
    try:
        cluster.start()
        yield Stage(cluster, size)
    finally:
        cluster.stop()
