"""A database in which a test tries any document on any starting state."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import pg8000.exceptions
from hypothesis import note
from pg8000.native import Connection

from db_bootstrap.apply import apply
from db_bootstrap.document import parse_document
from db_bootstrap.document.model import AccessDocument
from db_bootstrap.inspect.session import Session
from devtools.postgres.cluster import Cluster
from tests.support import random_access as model
from tests.support.access import Access
from tests.support.database import Database
from tests.support.random_access import (
    COLUMN_PRIVILEGES,
    DATABASE_PRIVILEGES,
    MAKING,
    NAMES,
    SCHEMAS,
    STRANGER,
    ByHand,
    names_of,
    own_privileges,
    reached,
)

Allowed = set[tuple[str, str, str]]
"""Who, on what, may do what; names as the model has them."""


@dataclass(frozen=True)
class Thing:
    """An object that the document speaks of; ``kind`` in the words of has_..._privilege."""

    number: int
    name: str
    schema: str
    kind: str
    owner: str

    @property
    def path(self) -> str:
        return f"{self.schema}.{self.name}"


class Workshop:
    """A database that is made new for each example, at the cost of some statements instead of a CREATE DATABASE."""

    def __init__(self, cellar: Access, superuser: Connection, master: Session) -> None:
        self.cellar = cellar
        self.superuser = superuser
        self.master = master
        self.has_options = cellar.database.cluster.major >= 16
        self.has_maintain = cellar.database.cluster.major >= 17

    def role(self, name: str) -> str:
        return name if name == "public" else self.cellar.role(name)

    def short(self, name: str) -> str:
        return name.removeprefix(self.role(""))

    def rows(self, sql: str, **parameters: object) -> list[list[Any]]:
        return self.superuser.run(sql, **parameters) or []

    def clear(self) -> None:
        self.superuser.run("RESET SESSION AUTHORIZATION")
        for schema in SCHEMAS:
            self.superuser.run(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        found = self.rows(
            "SELECT quote_ident(rolname) FROM pg_roles WHERE starts_with(rolname, :prefix) AND rolname <> :master",
            prefix=self.role(""),
            master=self.cellar.database.master,
        )
        roles = [role for (role,) in found]
        for role in roles:  # not all at once: PostgreSQL may then fail with "could not find tuple for default ACL"
            self.superuser.run(f"DROP OWNED BY {role} CASCADE")
        if roles:  # all at once, since they may be the grantors of one another's memberships
            self.superuser.run(f"DROP ROLE {', '.join(roles)}")
        self.superuser.run(f"REVOKE ALL ON DATABASE {self.cellar.database.name} FROM PUBLIC")
        self.superuser.run(f"GRANT CONNECT, TEMPORARY ON DATABASE {self.cellar.database.name} TO PUBLIC")

    def do(self, change: ByHand) -> None:
        """A state that PostgreSQL refuses is not a starting state."""
        known = {name: self.role(name) for name in [*NAMES, "master"]} | {"database": self.cellar.database.name}
        sql = change.sql.format(**known)
        try:
            if change.actor:
                self.superuser.run(f"SET SESSION AUTHORIZATION {known[change.actor]}")
            self.superuser.run(sql)
        except pg8000.exceptions.DatabaseError as error:
            note(f"refused: {sql}: {error.args[0]['M']}")
        else:
            note(f"{change.actor or 'superuser'}: {sql}")
        finally:
            self.superuser.run("RESET SESSION AUTHORIZATION")

    def named(self, document: dict[str, Any]) -> AccessDocument:
        """The document with this database's names for its roles."""
        own = {"database": self.cellar.database.name}
        schemas = {
            name: {"owner": self.role(schema["owner"]), "adopt": [self.role(other) for other in schema["adopt"]]}
            for name, schema in document["schemas"].items()
        }
        roles = {self.role(name): self._member(role) for name, role in document["roles"].items()}
        logins = {
            self.role(name): {**self._member(login), "acts_as": login["acts_as"] and self.role(login["acts_as"])}
            for name, login in document["logins"].items()
        }
        retired = {
            self.role(name): {**said, **({"reassign_to": self.role(heir)} if (heir := said.get("reassign_to")) else {})}
            for name, said in document["retired"].items()
        }
        return parse_document(
            document | own | {"schemas": schemas, "roles": roles, "logins": logins, "retired": retired}
        )

    def _member(self, said: dict[str, Any]) -> dict[str, Any]:
        # Before version 16 there are no memberships without INHERIT or SET.
        always = {} if self.has_options else {"inherit": None, "set": True}
        return {
            **said,
            "member_of": [self.role(group) for group in said["member_of"]],
            "memberships": {self.role(group): options | always for group, options in said["memberships"].items()},
        }

    def apply(self, document: dict[str, Any]) -> None:
        for statement in apply(self.master, self.named(document)).statements:
            note(f"apply: {statement.sql}")

    def let_creators_make_things(self, document: dict[str, Any]) -> None:
        """Let every role that can do so create objects, but the logins that act as others."""
        acting = tuple(name for name, login in document["logins"].items() if login["acts_as"])
        for schema, said in document["schemas"].items():
            others = [name for name in names_of(document) if not name.startswith(acting) and name not in said["adopt"]]
            made = [(said["owner"], kind) for kind in ("view", "sequence", "procedure")]
            for name, kind in (*made, *product(dict.fromkeys([said["owner"], *others]), ("table", "enum"))):
                self.succeeds(name, MAKING[kind].format(f"{schema}.new_{kind}_of_{name}"))

    def things(self, document: dict[str, Any], *, of_anybody: bool = False) -> list[Thing]:
        """The objects that the document speaks of, or all objects in its schemas."""
        rows = self.rows(
            "SELECT c.oid::bigint, c.relname, c.relnamespace::regnamespace::text,"
            " CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, pg_get_userbyid(c.relowner)"
            " FROM pg_class c WHERE c.relnamespace::regnamespace::text = ANY (CAST(:schemas AS text[]))"
            " AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')"
            " UNION ALL SELECT oid::bigint, proname, pronamespace::regnamespace::text, 'function',"
            " pg_get_userbyid(proowner) FROM pg_proc"
            # What makes a range makes functions for it too, which are the range's.
            " WHERE pronamespace::regnamespace::text = ANY (CAST(:schemas AS text[]))"
            " UNION ALL SELECT t.oid::bigint, typname, typnamespace::regnamespace::text, 'type',"
            " pg_get_userbyid(typowner) FROM pg_type t LEFT JOIN pg_class c ON c.oid = typrelid"
            " WHERE typnamespace::regnamespace::text = ANY (CAST(:schemas AS text[]))"
            " AND typcategory <> 'A' AND typtype <> 'm' AND coalesce(c.relkind, 'c') = 'c'",
            schemas=list(document["schemas"]),
        )
        judged = {self.role(name) for name in [*names_of(document), "master"]}
        return [Thing(*row) for row in rows if of_anybody or row[4] in judged]

    def allowed(self, document: dict[str, Any], things: list[Thing], roles: list[str]) -> Allowed:
        targets = [
            *((thing.kind, str(thing.number), thing.path) for thing in things),
            *(("column", str(thing.number), f"{thing.path}.id") for thing in things if thing.kind == "table"),
            *(("schema", schema, schema) for schema in document["schemas"]),
            ("database", self.cellar.database.name, "database"),
        ]
        known = {self.role(name): name for name in roles}
        found = set()
        for kind in sorted({kind for kind, *_ in targets}):
            names = {target: name for of_kind, target, name in targets if of_kind == kind}
            identified = "CAST(target AS text)" if kind in {"schema", "database"} else "CAST(target AS oid)"
            identified += ", 'id'" if kind == "column" else ""
            rows = self.rows(
                "SELECT role, target, privilege FROM unnest(CAST(:roles AS text[])) role,"
                " unnest(CAST(:targets AS text[])) target, unnest(CAST(:privileges AS text[])) privilege"
                f" WHERE has_{kind}_privilege(role, {identified}, privilege)",
                roles=list(known),
                targets=list(names),
                privileges=self.privileges(kind),
            )
            found |= {(known[role], names[target], privilege) for role, target, privilege in rows}
        return found

    def privileges(self, kind: str) -> list[str]:
        every = {
            **{name: presets["own"] for name, presets in model.PRESETS.items()},
            "column": COLUMN_PRIVILEGES,
            "database": DATABASE_PRIVILEGES,
        }[kind]
        every = every - (set() if self.has_maintain else {"MAINTAIN"})
        return [privilege + option for privilege, option in product(sorted(every), ("", " WITH GRANT OPTION"))]

    def expected(self, document: dict[str, Any], things: list[Thing], being: dict[str, set[str]]) -> Allowed:
        """Return what the model says of roles, each with all whose privileges it has."""
        targets = [
            *((thing.path, thing.kind, thing.schema, thing.name, thing.owner) for thing in things),
            *((f"{t.path}.id", "column", t.schema, t.name, t.owner) for t in things if t.kind == "table"),
            *((name, "schema", name, "", self.role(said["owner"])) for name, said in document["schemas"].items()),
            ("database", "database", "", "", ""),
        ]
        may = set()
        for role, roles in being.items():
            for target, kind, schema, called, owner in targets:
                given_by = set[str]()
                for name in [*roles, None]:
                    given_by |= own_privileges(document, name, kind, schema, called)
                    if kind == "column":
                        given_by |= own_privileges(document, name, "table", schema, called)
                    if kind == "database" and name in document["logins"]:
                        given_by.add("CONNECT")
                if self.short(owner) in roles:
                    given_by |= set(self.privileges(kind))
                may |= {(role, target, privilege) for privilege in given_by & set(self.privileges(kind))}
        return may

    def memberships(self, roles: list[str]) -> set[tuple[str, str, str]]:
        """Return what PostgreSQL says: member, its rights as a member, and the group."""
        ways = {"inherit": "USAGE", "admin": "MEMBER WITH ADMIN OPTION"} | ({"set": "SET"} if self.has_options else {})
        return {
            (self.short(member), way, self.short(group))
            for way, spelled in ways.items()
            for member, group in self.rows(
                "SELECT m, g FROM unnest(CAST(:names AS text[])) m, unnest(CAST(:names AS text[])) g"
                " WHERE m <> g AND pg_has_role(m, g, :spelled)",
                names=[self.role(name) for name in roles],
                spelled=spelled,
            )
        }

    def expected_memberships(self, document: dict[str, Any]) -> set[tuple[str, str, str]]:
        edges = model.edges(document, has_options=self.has_options)
        found = set()
        for name in names_of(document):
            for option in ("inherit", "set") if self.has_options else ("inherit",):
                found |= {(name, option, group) for group in reached(name, edges, option) - {name}}
            for member in reached(name, edges, None):
                found |= {(name, "admin", edge.group) for edge in edges if edge.member == member and edge.admin}
        return found

    def being(self, document: dict[str, Any]) -> dict[str, set[str]]:
        """All whose privileges each role has; for strangers as PostgreSQL says, since they may have been let in."""
        edges = model.edges(document, has_options=self.has_options)
        return {name: reached(name, edges, "inherit") for name in names_of(document)}

    def strangers_groups(self, document: dict[str, Any]) -> set[str]:
        """The declared roles that a role with ADMIN OPTION passed on to the stranger."""
        may_pass = {
            (edge.group, edge.member) for edge in model.edges(document, has_options=self.has_options) if edge.admin
        }
        rows = self.rows(
            "SELECT role.rolname, coalesce(grantor.rolname, '') FROM pg_auth_members m"
            " JOIN pg_roles role ON role.oid = roleid JOIN pg_roles member ON member.oid = m.member"
            " LEFT JOIN pg_roles grantor ON grantor.oid = m.grantor WHERE member.rolname = :stranger",
            stranger=self.role(STRANGER),
        )
        groups = {self.short(role) for role, _ in rows}
        passed_on = {self.short(role) for role, by in rows if (self.short(role), self.short(by)) in may_pass}
        assert groups & set(names_of(document)) == passed_on
        return passed_on

    def tries(self, things: list[Thing], allowed: Allowed, roles: list[str]) -> list[tuple[str, str, bool]]:
        """Return what some roles can really do to some things, where it is not what PostgreSQL said they may."""
        possible = {
            "table": ("SELECT id FROM {} LIMIT 0", "{}.id", "SELECT"),
            "sequence": ("SELECT last_value FROM {}", "{}", "SELECT"),
        }
        wrong = []
        pairs = [(role, thing) for role in roles for thing in things if thing.kind in possible]
        for role, thing in pairs[:: max(1, len(pairs) // 6)]:
            statement, on, privilege = possible[thing.kind]
            may = {(role, on.format(thing.path), privilege), (role, thing.schema, "USAGE")} <= allowed
            if self.succeeds(role, statement.format(thing.path)) is not may:
                wrong.append((role, statement.format(thing.path), may))
        return wrong

    def succeeds(self, role: str, statement: str) -> bool:
        self.superuser.run(f"SET SESSION AUTHORIZATION {self.role(role)}")
        try:
            self.superuser.run(statement)
        except pg8000.exceptions.DatabaseError as error:
            if error.args[0]["C"] != "42501":
                raise
            return False
        else:
            return True
        finally:
            self.superuser.run("RESET SESSION AUTHORIZATION")


@contextmanager
def workshop_in(cluster: Cluster) -> Iterator[Workshop]:
    database = Database(cluster, f"test_{secrets.token_hex(4)}")
    cellar = Access(database)
    with cluster.connect_as_superuser(database.name) as superuser, cellar.master() as master:
        yield Workshop(cellar, superuser, master)
    database.drop()
