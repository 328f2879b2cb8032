"""Any document, on any starting state: what PostgreSQL then allows is what a small model says, and nothing else.

The model is written from docs/access.md and imports nothing of what it judges. Examples are the same in every run;
DB_BOOTSTRAP_EXAMPLES=5000 looks at that many others.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import attrs
import pg8000.exceptions
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from pg8000.native import Connection

from db_bootstrap import access, reconcile
from rehearsal.postgres import Cluster
from tests.database.db_bootstrap.conftest import Access
from tests.support.database import Database

pytestmark = pytest.mark.database

EXAMPLES = int(os.environ.get("DB_BOOTSTRAP_EXAMPLES", "0"))

ROLES = ("cook", "baker", "guest", "porter")
LOGINS = ("ann", "bob")
SCHEMAS = ("hall", "yard")
STRANGER = "stranger"
SIBLINGS = ("_a", "_b")

TABLE_PRIVILEGES = {
    "read": {"SELECT"},
    "write": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "own": {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"},
}
SEQUENCE_PRIVILEGES = {"read": {"SELECT"}, "write": {"SELECT", "USAGE"}, "own": {"SELECT", "USAGE", "UPDATE"}}
ROUTINE_PRIVILEGES = {"read": set[str](), "write": {"EXECUTE"}, "own": {"EXECUTE"}}
SCHEMA_PRIVILEGES = {"read": {"USAGE"}, "write": {"USAGE"}, "own": {"USAGE", "CREATE"}}
DATABASE_PRIVILEGES = {"CONNECT", "CREATE", "TEMPORARY"}

# What makes an object of each kind, what its privileges are called on, and which there are.
MAKING = {
    "table": "CREATE TABLE {0} (id int GENERATED ALWAYS AS IDENTITY)",
    "partitioned": "CREATE TABLE {0} (id int) PARTITION BY RANGE (id)",
    "view": "CREATE VIEW {0} AS SELECT 1 AS one",
    "materialized": "CREATE MATERIALIZED VIEW {0} AS SELECT 1 AS one",
    "sequence": "CREATE SEQUENCE {0}",
    "function": "CREATE FUNCTION {0}(a int, OUT b int) LANGUAGE sql AS 'SELECT 2 * a'",
    "procedure": "CREATE PROCEDURE {0}(a int) LANGUAGE sql AS 'SELECT 1'",
    "aggregate": "CREATE AGGREGATE {0}(float8 ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal,"
    " FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA)",
}
ALTERED = {
    "partitioned": "TABLE",
    "materialized": "MATERIALIZED VIEW",
    "function": "ROUTINE",
    "procedure": "ROUTINE",
    "aggregate": "AGGREGATE",
}
ATTRIBUTES = (
    "LOGIN",
    "NOLOGIN",
    "NOINHERIT",
    "CREATEDB",
    "CREATEROLE",
    "CONNECTION LIMIT 3",
    "VALID UNTIL '2020-01-01'",
)
ROUTINES = {"function": "(int)", "procedure": "(int)", "aggregate": "(float8, anyelement)"}


def names_of(document: dict[str, Any]) -> list[str]:
    """Every role that a document leads to."""
    siblings = [
        name + suffix
        for name, login in document["logins"].items()
        if login["credential"] == "rotated"
        for suffix in SIBLINGS
    ]
    return [*document["roles"], *document["logins"], *siblings]


def some(names: tuple[str, ...] | list[str], most: int = 8) -> st.SearchStrategy[list[str]]:
    """A few of these names."""
    return st.lists(st.sampled_from(names), unique=True, max_size=most) if names else st.just([])


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    roles = draw(st.permutations(ROLES))[: draw(st.integers(1, len(ROLES)))]
    schemas = draw(some(SCHEMAS))
    return {
        "database": "",
        "schemas": {schema: {"owner": draw(st.sampled_from(roles))} for schema in schemas},
        "roles": {
            role: {
                "member_of": draw(some(roles[:index], 2)),
                "schemas": {schema: draw(st.sampled_from(list(SCHEMA_PRIVILEGES))) for schema in draw(some(schemas))},
            }
            for index, role in enumerate(roles)
        },
        "logins": {login: draw(logins(roles)) for login in draw(some(LOGINS))},
    }


@st.composite
def logins(draw: st.DrawFn, roles: list[str]) -> dict[str, Any]:
    values = {
        "statement_timeout": "5s",
        "timezone": "Asia/Tokyo",
        "DateStyle": "ISO, DMY",
        "search_path": ["hall", 'od"d, name', "$user"],
        "application_name": "a=b 'c' \\d",
        "TimeZone_abbreviations": "Default",
    }
    return {
        "credential": draw(st.sampled_from(["rotated", "iam"])),
        "member_of": draw(some(roles, 2)),
        "acts_as": draw(st.none() | st.sampled_from(roles)),
        "connection_limit": draw(st.sampled_from([-1, 0, 7])),
        "settings": {name: values[name] for name in draw(some(list(values), 3))},
    }


@attrs.frozen
class ByHand:
    """A statement of somebody: None for the superuser. Role names stand in braces."""

    sql: str
    actor: str | None = None


@st.composite
def starting_states(draw: st.DrawFn, document: dict[str, Any]) -> list[ByHand]:
    """What was there before: roles and schemas, then objects, then whatever people do to them."""
    declared = names_of(document)
    everybody = [*declared, STRANGER]
    missing = draw(some(declared))
    made = [ByHand(f"CREATE ROLE {{{role}}}", "master") for role in everybody if role not in missing]
    for schema in draw(some(SCHEMAS)):
        made += [ByHand(f"CREATE SCHEMA {schema} AUTHORIZATION {{master}}"), draw(owner_of_schema(schema, everybody))]
    objects = draw(st.lists(st.tuples(st.sampled_from(SCHEMAS), st.sampled_from(list(MAKING))), max_size=6))
    for index, (schema, kind) in enumerate(objects):
        name = f"{schema}.{kind}{index}"
        made.append(ByHand(MAKING[kind].format(name)))
        owner = draw(st.sampled_from([*everybody, "master", "master"]))
        made.append(ByHand(f"ALTER {ALTERED.get(kind, kind)} {name}{arguments(kind)} OWNER TO {{{owner}}}"))
    named = [(kind, f"{schema}.{kind}{index}") for index, (schema, kind) in enumerate(objects)]
    return made + draw(st.lists(by_hand(declared, everybody, named), max_size=8))


def arguments(kind: str) -> str:
    return "(float8 ORDER BY anyelement)" if kind == "aggregate" else ROUTINES.get(kind, "")


@st.composite
def owner_of_schema(draw: st.DrawFn, schema: str, everybody: list[str]) -> ByHand:
    owner = draw(st.sampled_from([*everybody, "master"]))
    return ByHand(f"ALTER SCHEMA {schema} OWNER TO {{{owner}}}")


@st.composite
def by_hand(  # noqa: PLR0911 - a return for each kind of change
    draw: st.DrawFn, declared: list[str], everybody: list[str], objects: list[tuple[str, str]]
) -> ByHand:
    """One change of something; PostgreSQL may well refuse it."""
    one, other = draw(st.sampled_from(declared)), draw(st.sampled_from(everybody))
    schema = draw(st.sampled_from(SCHEMAS))
    anybody = draw(st.sampled_from([f"{{{one}}}", f"{{{other}}}", "PUBLIC"]))
    option = draw(st.sampled_from(["", "", " WITH GRANT OPTION"])) if anybody != "PUBLIC" else ""
    # What somebody grants whom the master may not act for stays; the documents' own roles are not among those.
    actor = draw(st.sampled_from([None, None, one]))
    what = draw(st.sampled_from(["object", "object", "schema", "database", "member", "role", "setting", "default"]))
    if what == "object" and objects:
        kind, name = draw(st.sampled_from(objects))
        target = f"{'ROUTINE' if kind in ROUTINES else 'TABLE'} {name}{ROUTINES.get(kind, '')}"
        return ByHand(f"GRANT {draw(privileges(kind))} ON {target} TO {anybody}{option}", actor)
    if what == "database":
        privilege = draw(st.sampled_from(sorted(DATABASE_PRIVILEGES)))
        return ByHand(f"GRANT {privilege} ON DATABASE {{database}} TO {anybody}{option}", actor)
    if what == "member":
        member = draw(st.sampled_from([f"{{{other}}}", "{master}"]))
        option = draw(st.sampled_from(["", " WITH ADMIN OPTION"])) if member != "{master}" else ""
        return ByHand(f"GRANT {{{one}}} TO {member}{option}", "master" if actor is None else actor)
    if what == "role":
        attribute = draw(st.sampled_from(ATTRIBUTES))
        return ByHand(f"ALTER ROLE {{{one}}} {attribute}")
    if what == "setting":
        within = draw(st.sampled_from(["", " IN DATABASE {database}"]))
        setting = draw(st.sampled_from(["work_mem TO '9MB'", 'search_path TO a, "B c"', "TimeZone TO 'UTC'"]))
        return ByHand(f"ALTER ROLE {{{one}}}{within} SET {setting}")
    if what == "default":
        kind = draw(st.sampled_from(["table", "sequence", "function"]))
        within = draw(st.sampled_from(["", f" IN SCHEMA {schema}"]))
        # What owners take from themselves is left alone; see docs/access.md.
        verbs = ["GRANT {} ON {}S TO {}"] + ["REVOKE {} ON {}S FROM {}"] * (anybody != f"{{{one}}}")
        verb = draw(st.sampled_from(verbs))
        change = verb.format(draw(privileges(kind)), kind, anybody)
        if draw(st.integers(0, 5)) == 0:
            within, change = "", f"GRANT USAGE ON SCHEMAS TO {anybody}"
        return ByHand(f"ALTER DEFAULT PRIVILEGES FOR ROLE {{{one}}}{within} {change}")
    privilege = draw(st.sampled_from(["USAGE", "CREATE", "ALL"]))
    return ByHand(f"GRANT {privilege} ON SCHEMA {schema} TO {anybody}{option}", actor)


def privileges(kind: str) -> st.SearchStrategy[str]:
    if kind in ROUTINES:
        return st.sampled_from(["EXECUTE", "ALL"])
    if kind == "sequence":
        return st.sampled_from(["SELECT", "USAGE", "UPDATE", "ALL"])
    return st.sampled_from(["SELECT", "INSERT", "TRUNCATE", "TRIGGER", "ALL"])


class Workshop:
    """A database that is made new for each example, at the cost of some statements instead of a CREATE DATABASE."""

    def __init__(self, cellar: Access, superuser: Connection, master: Connection) -> None:
        self.cellar = cellar
        self.superuser = superuser
        self.master = master
        self.version = cellar.database.cluster.major

    def role(self, name: str) -> str:
        return self.cellar.role(name)

    def clear(self) -> None:
        self.superuser.run("RESET SESSION AUTHORIZATION")
        for schema in SCHEMAS:
            self.superuser.run(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        found = self.superuser.run(
            "SELECT quote_ident(rolname) FROM pg_roles WHERE starts_with(rolname, :prefix) AND rolname <> :master",
            prefix=self.role(""),
            master=self.cellar.database.master,
        )
        roles = [role for (role,) in found or []]
        for role in roles:  # not all at once: PostgreSQL may then fail with "could not find tuple for default ACL"
            self.superuser.run(f"DROP OWNED BY {role} CASCADE")
        if roles:  # all at once, since they may be the grantors of one another's memberships
            self.superuser.run(f"DROP ROLE {', '.join(roles)}")
        self.superuser.run(f"GRANT CONNECT, TEMPORARY ON DATABASE {self.cellar.database.name} TO PUBLIC")

    def do(self, change: ByHand) -> None:
        """What PostgreSQL refuses was no starting state."""
        names = [*ROLES, *LOGINS, *(login + suffix for login in LOGINS for suffix in SIBLINGS), STRANGER]
        known = {name: self.role(name) for name in [*names, "master"]} | {"database": self.cellar.database.name}
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

    def named(self, document: dict[str, Any]) -> access.AccessDocument:
        """The document with this database's names for its roles."""
        raw = {
            "database": self.cellar.database.name,
            "schemas": {name: {"owner": self.role(schema["owner"])} for name, schema in document["schemas"].items()},
            "roles": {
                self.role(name): {**role, "member_of": [self.role(group) for group in role["member_of"]]}
                for name, role in document["roles"].items()
            },
            "logins": {
                self.role(name): {
                    **login,
                    "member_of": [self.role(group) for group in login["member_of"]],
                    "acts_as": login["acts_as"] and self.role(login["acts_as"]),
                }
                for name, login in document["logins"].items()
            },
        }
        return access.parse(raw)

    def apply(self, document: dict[str, Any]) -> None:
        for statement in reconcile.apply(self.master, self.named(document)).statements:
            note(f"apply: {statement.sql}")

    def let_owners_make_things(self, document: dict[str, Any]) -> None:
        for schema, said in document["schemas"].items():
            self.superuser.run(f"SET SESSION AUTHORIZATION {self.role(said['owner'])}")
            for kind in ("table", "view", "sequence", "procedure"):
                self.superuser.run(MAKING[kind].format(f"{schema}.new_{kind}"))
            self.superuser.run("RESET SESSION AUTHORIZATION")

    def objects(self, document: dict[str, Any]) -> list[tuple[int, str, str, str, str]]:
        """Number, name, schema, kind and owner of each object that the document speaks of."""
        rows = self.superuser.run(
            "SELECT c.oid::bigint, c.relname, c.relnamespace::regnamespace::text,"
            " CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, pg_get_userbyid(c.relowner)"
            " FROM pg_class c WHERE c.relnamespace::regnamespace::text = ANY (CAST(:schemas AS text[]))"
            " AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')"
            " UNION ALL SELECT oid::bigint, proname, pronamespace::regnamespace::text, 'function',"
            " pg_get_userbyid(proowner) FROM pg_proc"
            " WHERE pronamespace::regnamespace::text = ANY (CAST(:schemas AS text[]))",
            schemas=list(document["schemas"]),
        )
        judged = {self.role(name) for name in [*names_of(document), "master"]}
        return [tuple(row) for row in rows or [] if row[4] in judged]

    def allowed(self, document: dict[str, Any]) -> set[tuple[str, str, str]]:
        """What PostgreSQL says: who, on what, may do what."""
        targets = [
            *((kind, str(number), f"{schema}.{name}") for number, name, schema, kind, _ in self.objects(document)),
            *(("schema", schema, schema) for schema in document["schemas"]),
            ("database", self.cellar.database.name, "database"),
        ]
        roles = {self.role(name): name for name in names_of(document)}
        found = set()
        for kind in sorted({kind for kind, *_ in targets}):
            names = {target: name for of_kind, target, name in targets if of_kind == kind}
            identified = "text" if kind in {"schema", "database"} else "oid"
            rows = self.superuser.run(
                "SELECT role, target, privilege FROM unnest(CAST(:roles AS text[])) role,"
                " unnest(CAST(:targets AS text[])) target, unnest(CAST(:privileges AS text[])) privilege"
                f" WHERE has_{kind}_privilege(role, CAST(target AS {identified}), privilege)",
                roles=list(roles),
                targets=list(names),
                privileges=self.privileges(kind),
            )
            found |= {(roles[role], names[target], privilege) for role, target, privilege in rows or []}
        return found

    def privileges(self, kind: str) -> list[str]:
        every = {
            "table": TABLE_PRIVILEGES["own"] - ({"MAINTAIN"} if self.version < 17 else set()),
            "sequence": SEQUENCE_PRIVILEGES["own"],
            "function": ROUTINE_PRIVILEGES["own"],
            "schema": SCHEMA_PRIVILEGES["own"],
            "database": DATABASE_PRIVILEGES,
        }[kind]
        return [privilege + option for privilege, option in product(sorted(every), ("", " WITH GRANT OPTION"))]

    def expected(self, document: dict[str, Any]) -> set[tuple[str, str, str]]:
        """What the model says."""
        may = set()
        presets = {"table": TABLE_PRIVILEGES, "sequence": SEQUENCE_PRIVILEGES, "function": ROUTINE_PRIVILEGES}
        for role in names_of(document):
            being = every_role_of(document, role)
            may |= {(role, "database", "CONNECT") for login in document["logins"] if login in being}
            targets = [
                *((f"{schema}.{name}", schema, kind, owner) for _, name, schema, kind, owner in self.objects(document)),
                *((name, name, "schema", self.role(said["owner"])) for name, said in document["schemas"].items()),
            ]
            for target, schema, kind, owner in targets:
                if owner in {self.role(name) for name in being}:
                    may |= {(role, target, privilege) for privilege in self.privileges(kind)}
                for name in being & set(document["roles"]):
                    preset = document["roles"][name]["schemas"].get(schema)
                    given_by = presets.get(kind, SCHEMA_PRIVILEGES)[preset] if preset else set[str]()
                    may |= {(role, target, privilege) for privilege in given_by & set(self.privileges(kind))}
        return may


def every_role_of(document: dict[str, Any], name: str) -> set[str]:
    """A role and all whose privileges it has."""
    login = document["logins"].get(name)
    if login is None and name not in document["roles"]:
        return {name} | every_role_of(document, name[: -len(SIBLINGS[0])])
    said = login or document["roles"][name]
    groups = [*said["member_of"], *([login["acts_as"]] if login and login["acts_as"] else [])]
    return {name}.union(*(every_role_of(document, group) for group in groups))


@contextmanager
def workshop_in(cluster: Cluster) -> Iterator[Workshop]:
    database = Database(cluster, f"test_{secrets.token_hex(4)}")
    cellar = Access(database)
    with cluster.connect_as_superuser(database.name) as superuser, cellar.master() as master:
        yield Workshop(cellar, superuser, master)
    database.drop()


@pytest.fixture(scope="module")
def workshop(postgres: Cluster) -> Iterator[Workshop]:
    with workshop_in(postgres) as made:
        yield made


@settings(
    max_examples=EXAMPLES or 300,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_what_postgresql_allows_is_what_the_document_says(data: st.DataObject, workshop: Workshop) -> None:
    earlier = data.draw(st.none() | documents(), label="an earlier document")
    document = data.draw(documents(), label="the document")
    before = data.draw(starting_states(document), label="by hand")
    workshop.clear()
    if earlier:
        workshop.apply(earlier)
    for change in before:
        workshop.do(change)
    note("---")
    workshop.apply(document)
    assert reconcile.plan(workshop.master, workshop.named(document)).statements == ()
    assert workshop.allowed(document) == workshop.expected(document)
    workshop.let_owners_make_things(document)
    assert reconcile.plan(workshop.master, workshop.named(document)).statements == ()
    assert workshop.allowed(document) == workshop.expected(document)
