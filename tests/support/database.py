"""A throwaway database on a shared server."""

import secrets
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pg8000.native

from devtools.postgres.cluster import Cluster


class Database:
    """One database, its master and whatever roles a test makes with it.

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
        connection = pg8000.native.Connection(
            user or self.master,
            password=password or self.password,
            host=self.cluster.host,
            port=self.cluster.port,
            database=self.name,
            ssl_context=ssl.create_default_context(cafile=str(self.cluster.authority.ca_file)),
            timeout=30,
        )
        try:
            yield connection
        finally:
            connection.close()

    def drop(self) -> None:
        """Drop the database and every role that has appeared on the server since it was made."""
        with self.cluster.connect_as_superuser() as connection:
            connection.run(f"DROP DATABASE IF EXISTS {_quoted(self.name)} WITH (FORCE)")
            left = sorted(self._roles() - self._roles_before)
            for statement in ("DROP OWNED BY {} CASCADE", "DROP ROLE {}"):
                for role in left:
                    connection.run(statement.format(_quoted(role)))

    def _roles(self) -> set[str]:
        return {name for (name,) in self.cluster.admin("SELECT rolname FROM pg_roles")}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
