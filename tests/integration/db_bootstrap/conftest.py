"""A database with an access document of its own. Every role carries the database's name: roles are the server's."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pg8000.native
import pytest
from pg8000.native import Connection

from db_bootstrap import apply as reconcile
from db_bootstrap import desired as declared
from db_bootstrap import document as access
from db_bootstrap.apply import Plan
from db_bootstrap.inspect.session import Credential, Endpoint, connected_as_master
from devtools.postgres.cluster import Cluster
from tests.support.database import Database
from tests.support.rotated_logins import RotatedLogins
from tests.support.rotation import SecretsManager, secrets_manager


class Access:
    """What a test does with a database and a document.

    Attributes:
        raw: The document, to be changed before it is applied.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.raw: dict[str, Any] = {
            "database": database.name,
            "schemas": {self.schema: {"owner": self.role("owner")}},
            "roles": {
                self.role("owner"): {},
                self.role("writer"): {"schemas": {self.schema: "write"}},
                self.role("reader"): {"schemas": {self.schema: "read"}},
            },
            "logins": {
                self.role("app"): {
                    "member_of": [self.role("writer")],
                    "credential": "rotated",
                    "connection_limit": 5,
                    "settings": {"statement_timeout": "5s"},
                },
                self.role("migrator"): {"acts_as": self.role("owner"), "credential": "rotated"},
                self.role("report"): {"member_of": [self.role("reader")], "credential": "iam"},
            },
        }

    schema = "cellar"
    database_name: str | None = None

    def in_database(self, name: str) -> None:
        """Turn to another database of the same server and master; roles keep their names."""
        self.database_name = name
        self.raw["database"] = name

    def role(self, name: str) -> str:
        return f"{self.database.name}_{name}"

    @property
    def endpoint(self) -> Endpoint:
        cluster = self.database.cluster
        name = self.database_name or self.database.name
        return Endpoint(cluster.host, cluster.port, name, str(cluster.authority.ca_file))

    @contextmanager
    def master(self) -> Iterator[Connection]:
        credential = Credential(self.database.master, self.database.password)
        with connected_as_master(self.endpoint, lambda: credential) as connection:
            yield connection

    @contextmanager
    def elsewhere(self, database: str) -> Iterator[Connection]:
        """A connection of the master to another database of the server."""
        credential = Credential(self.database.master, self.database.password)
        with connected_as_master(replace(self.endpoint, database=database), lambda: credential) as connection:
            yield connection

    def apply(self) -> Plan:
        with self.master() as connection, reconcile.locked(connection):
            return reconcile.apply(connection, access.parse(self.raw), elsewhere=self.elsewhere)

    def plan(self) -> Plan:
        with self.master() as connection:
            return reconcile.plan(connection, access.parse(self.raw), self.elsewhere)

    def as_superuser(self, *statements: str) -> list[list[Any]]:
        """Run statements as the superuser; the rows of the last. ``{name}`` stands for a role or the schema."""
        rows: list[list[Any]] = []
        for statement in statements:
            rows = self.database.cluster.admin(self.filled(statement), self.endpoint.database)
        return rows

    @contextmanager
    def login(self, name: str) -> Iterator[Connection]:
        """A connection of a login role, with a password that the superuser has just given it.

        A member of rds_iam cannot come in by password; what it may do is tried from a session of the superuser's.
        """
        role = self.role(name)
        if name == "report":
            with self.database.cluster.connect_as_superuser(self.database.name) as connection:
                connection.run(f"SET SESSION AUTHORIZATION {pg8000.native.identifier(role)}")
                yield connection
            return
        password = secrets.token_urlsafe(12)
        self.database.cluster.set_password(role, password)
        with self.database.connect(role, password) as connection:
            yield connection

    def filled(self, statement: str) -> str:
        pairs = ("app", "app_a", "app_b", "migrator", "migrator_a", "migrator_b")
        names = ("owner", "writer", "reader", *pairs, "report", "stranger", "auditor")
        return statement.format(
            schema=self.schema,
            database=self.endpoint.database,
            master=self.database.master,
            mark=declared.mark(self.endpoint.database),
            **{name: self.role(name) for name in names},
        )


@pytest.fixture
def cellar(database: Database) -> Access:
    return Access(database)


@pytest.fixture(scope="module")
def settled_cellar(postgres: Cluster) -> Iterator[Access]:
    """One for tests that leave it as they found it."""
    database = Database(postgres, f"test_{secrets.token_hex(4)}")
    yield Access(database)
    database.drop()


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretsManager]:
    """A Secrets Manager for a module's tests, which make their secrets in it by names of their own."""
    with secrets_manager(tmp_path_factory.mktemp("secrets-manager")) as running:
        yield running


@pytest.fixture
def own_logins(cellar: Access, manager: SecretsManager) -> RotatedLogins:
    """For tests of rotations that need the first credentials, or leave something behind."""
    return RotatedLogins(cellar, manager)


@pytest.fixture(scope="module")
def logins(settled_cellar: Access, manager: SecretsManager) -> RotatedLogins:
    """For all others: whichever login role serves, each test ends with a rotation that came to its end."""
    return RotatedLogins(settled_cellar, manager)
