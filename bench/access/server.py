"""A PostgreSQL server with schemas, tables and sequences, which can be reset to having no grants."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pg8000.native import identifier

from bench.access import workload
from bench.access.workload import Size
from bench.errors import BenchError
from db_bootstrap.model import Credential, Endpoint
from devtools.postgres.binaries import servers_by_major
from devtools.postgres.cluster import SUPERUSER, Cluster
from tests.support.database import running_cluster

MAJOR = 15
MASTER = "bench_master"
_TEMPLATE = "bench_template"

_PRIVILEGES = """
SELECT count(*) FROM pg_class c, aclexplode(c.relacl) a
WHERE c.relkind IN ('r', 'S') AND pg_get_userbyid(a.grantee) = ANY (CAST(:groups AS text[]))
"""


class BenchServer:
    """A server for one size.

    Attributes:
        cluster: The server; its superuser connects only through its socket.
    """

    def __init__(self, cluster: Cluster, size: Size) -> None:
        self.cluster = cluster
        self.size = size
        self._password = secrets.token_urlsafe(18)
        cluster.create_master(MASTER, self._password)
        cluster.admin(f"GRANT rds_iam TO {MASTER} WITH ADMIN OPTION")  # RDS's patch would cost a proxy
        # Created by the master, which can then administer it, as is usual on RDS.
        with cluster.connect_as_superuser() as connection:
            connection.run(f"SET SESSION AUTHORIZATION {identifier(MASTER)}")
            connection.run(f"CREATE ROLE {workload.OWNER}")
        cluster.create_database(_TEMPLATE, MASTER)
        with cluster.connect_as_superuser(_TEMPLATE) as connection:
            connection.run("DROP SCHEMA public")  # the tools treat it differently
            for statement in workload.objects(size):
                connection.run(statement)
        self._kept = self._role_names()

    @property
    def endpoint(self) -> Endpoint:
        """The database, for a client that connects over TLS."""
        ca_file = str(self.cluster.authority.ca_file)
        return Endpoint(self.cluster.host, self.cluster.port, workload.DATABASE, ca_file)

    @property
    def master(self) -> Credential:
        """A login like RDS's master user, which owns the database and is not a superuser."""
        return Credential(MASTER, self._password)

    @property
    def superuser_dsn(self) -> str:
        """The libpq connection string of the superuser, through the socket."""
        return f"host={self.cluster.directory} port={self.cluster.port} user={SUPERUSER} dbname={workload.DATABASE}"

    def reset(self) -> None:
        """Recreate the database from its template, and drop the roles that the tools created."""
        with self.cluster.connect_as_superuser() as connection:
            connection.run(f"COMMENT ON ROLE {workload.OWNER} IS NULL")
            connection.run(f"DROP DATABASE IF EXISTS {workload.DATABASE} WITH (FORCE)")
            for name in self._role_names() - self._kept:
                connection.run(f"DROP ROLE {identifier(name)}")
            connection.run(f"CREATE DATABASE {workload.DATABASE} TEMPLATE {_TEMPLATE} OWNER {identifier(MASTER)}")
            # Otherwise dirty pages would be written during a measurement.
            connection.run("CHECKPOINT")
        self.cluster.admin("ANALYZE", workload.DATABASE)

    def _role_names(self) -> frozenset[str]:
        return frozenset(name for (name,) in self.cluster.admin("SELECT rolname FROM pg_roles"))

    def check(self) -> None:
        """Check that the groups have exactly the desired privileges.

        Raises:
            BenchError: They do not, so the measurements are not comparable.
        """
        ((count,),) = self.cluster.admin(_PRIVILEGES, workload.DATABASE, groups=list(workload.GROUPS))
        if count != self.size.privileges:
            raise BenchError(f"The groups have {count} privileges on objects, expected {self.size.privileges}.")


@contextmanager
def bench_server(size: Size, folder: Path) -> Iterator[BenchServer]:
    """Run a server with the objects of ``size`` for the duration of the block.

    Raises:
        BenchError: There is no PostgreSQL of the required version.
    """
    binaries = next((server for server in servers_by_major() if server.major == MAJOR), None)
    if binaries is None:
        raise BenchError(f"PostgreSQL {MAJOR} is missing; `make bench SUITE=access` fetches it.")
    settings = {"log_connections": "off", "shared_buffers": "256MB", "max_wal_size": "4GB", "autovacuum": "off"}
    with running_cluster(binaries, folder, settings) as cluster:
        yield BenchServer(cluster, size)
