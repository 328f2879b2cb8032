"""A database shaped as the bootstrap function leaves it for the service."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from app.database.migrate import migrate
from app.settings import Settings
from devtools.postgres.cluster import Cluster
from tests.support.database import Database

_WRITE = "SELECT, INSERT, UPDATE, DELETE"


class CatalogueDatabase:
    """Schema ``beers`` with owner, writer, migrator and the service's login only.

    Attributes:
        app: the service's login, which can change rows.
        migrator: the login that acts as the schema's owner.
        password: the password of both.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.cluster = database.cluster
        self.password = secrets.token_urlsafe(18)
        owner, writer = f"{database.name}_owner", f"{database.name}_writer"
        self.owner = owner
        self.app = f"{database.name}_app_a"
        self.migrator = f"{database.name}_migrator_a"
        statements = (
            f"CREATE ROLE {owner}",
            f"CREATE ROLE {writer}",
            f"CREATE ROLE {self.app} LOGIN IN ROLE {writer}",
            f"CREATE ROLE {self.migrator} LOGIN IN ROLE {owner}",
            f"ALTER ROLE {self.migrator} SET role = '{owner}'",
            f"ALTER ROLE {self.app} SET statement_timeout = '5s'",
            f"CREATE SCHEMA beers AUTHORIZATION {owner}",
            f"GRANT USAGE ON SCHEMA beers TO {writer}",
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA beers GRANT {_WRITE} ON TABLES TO {writer}",
        )
        self.admin("; ".join(statements))
        for login in (self.app, self.migrator):
            self.cluster.set_password(login, self.password)

    def admin(self, statement: str, **parameters: object) -> list[list[Any]]:
        """Run one statement in this database as the superuser."""
        return self.cluster.admin(statement, database=self.database.name, **parameters)

    def empty(self) -> None:
        """Take all beers away, and count from 1 again."""
        self.admin("TRUNCATE beers.beers RESTART IDENTITY")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let no client get an answer from the table meanwhile."""
        with self.cluster.connect_as_superuser(self.database.name) as holder:
            holder.run("BEGIN")
            holder.run("LOCK TABLE beers.beers")
            yield
            holder.run("COMMIT")

    @contextmanager
    def unavailable(self) -> Iterator[None]:
        """Refuse logins and end sessions: to the service, an unavailable database."""
        name = self.database.name
        self.cluster.admin(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        self.cluster.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name", name=name)
        try:
            yield
        finally:
            self.cluster.admin(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    def url(self, user: str, password: str | None = None) -> str:
        return self.database.url(user, password or self.password)

    def settings(self, user: str, **other: Any) -> Settings:
        return Settings(database_url=self.url(user), **other)

    def secret(self, username: str, **other: object) -> str:
        """The JSON that the bootstrap writes into the secret of ``username``."""
        return json.dumps(
            {
                "engine": "postgres",
                "host": self.cluster.host,
                "port": self.cluster.port,
                "dbname": self.database.name,
                "username": username,
                "password": self.password,
                **other,
            }
        )

    def injected(self, username: str) -> Settings:
        """Settings that hold the secret's JSON itself."""
        return Settings(database_secret=self.secret(username), database_ca_file=self.cluster.authority.ca_file)

    def spellings_of_the_password(self) -> tuple[str, ...]:
        """Return what must not be found in any log."""
        return self.password, quote(self.password, safe="")


@contextmanager
def migrated_catalogue(cluster: Cluster) -> Iterator[CatalogueDatabase]:
    """Such a database with the service's tables, dropped at the end."""
    throwaway = Database(cluster, f"test_{secrets.token_hex(4)}")
    catalogue = CatalogueDatabase(throwaway)
    migrate(catalogue.settings(catalogue.migrator))
    yield catalogue
    throwaway.drop()
