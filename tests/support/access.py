"""A database with a separate access document. Every role carries the database's name: roles are the server's."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pg8000.native
import pytest
from pg8000.native import Connection

from db_bootstrap import desired
from db_bootstrap.apply import apply, locked
from db_bootstrap.document import parse_document
from db_bootstrap.inspect.session import Session, connected_as_master
from db_bootstrap.model import Credential, Endpoint, Plan
from db_bootstrap.plan import make_plan
from tests.support.database import Database

UNUSUAL_NAMES = [
    pytest.param("O'Brien", id="a quote"),
    pytest.param('say "when"', id="double quotes"),
    pytest.param('"; DROP ROLE x; --', id="a statement"),
    pytest.param("$$; SELECT 1; $$", id="dollar quotes"),
    pytest.param("a.b.c", id="dots"),
    pytest.param("back\\slash \\' end\\", id="backslashes"),
    pytest.param("two\nlines\tand a tab", id="a newline"),
    pytest.param(" both ends ", id="spaces at the ends"),
    pytest.param("a,b=c{d}:e%s", id="what lists, settings and formats are made of"),
    pytest.param("\U0001f377\U0001f3fd cellar", id="emoji"),
    pytest.param("\u200f\u05d9\u05d9\u05df\u200e \u202eevil", id="marks of direction"),
    pytest.param("wine\ufb01\u2122\u00aa", id="what normalization would change"),
    pytest.param("CamelCase", id="capitals"),
    pytest.param("null", id="no value in an array"),
    pytest.param("user", id="a keyword that is a value"),
    pytest.param("default", id="a keyword that settings know"),
    pytest.param("pgbouncer", id="almost reserved"),
    pytest.param("PG_upper", id="reserved but for its case"),
    pytest.param("\u00fc" * 30 + "x", id="61 bytes, and 63 with the suffix of its pair"),
]


def on(kind: str, *privileges: str, **more: Any) -> dict[str, Any]:
    """A grant of a document: on the database, or in its schema."""
    schema = {} if kind == "database" else {"schema": Access.schema}
    return {"on": kind, **schema, "privileges": list(privileges), **more}


class Access:
    """A database and a document for a test to work with.

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

    def role(self, name: str) -> str:
        return f"{self.database.name}_{name}"

    @property
    def endpoint(self) -> Endpoint:
        cluster = self.database.cluster
        name = self.database_name or self.database.name
        return Endpoint(cluster.host, cluster.port, name, str(cluster.authority.ca_file))

    def credential(self, password: str | None = None) -> Credential:
        return Credential(self.database.master, password or self.database.password)

    @contextmanager
    def master(self) -> Iterator[Session]:
        with connected_as_master(self.endpoint, self.credential) as connection:
            yield connection

    @contextmanager
    def elsewhere(self, database: str) -> Iterator[Session]:
        """A connection of the master to another database of the server."""
        with connected_as_master(replace(self.endpoint, database=database), self.credential) as connection:
            yield connection

    def apply(self) -> Plan:
        with self.master() as connection, locked(connection):
            return apply(connection, parse_document(self.raw), elsewhere=self.elsewhere)

    def plan(self) -> Plan:
        with self.master() as connection:
            return make_plan(connection, parse_document(self.raw), self.elsewhere)

    def as_superuser(self, *statements: str) -> list[list[Any]]:
        """Run statements as the superuser; the rows of the last. ``{name}`` stands for a role or the schema."""
        rows: list[list[Any]] = []
        for statement in statements:
            rows = self.database.cluster.admin(self.filled(statement), self.endpoint.database)
        return rows

    @contextmanager
    def login(self, name: str) -> Iterator[Connection]:
        """A connection of a login role, with a password that the superuser has just given it.

        A member of rds_iam cannot log in by password; its privileges are tried from a superuser's session.
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
            mark=desired.mark(self.endpoint.database),
            **{name: self.role(name) for name in names},
        )
