"""Effective access, compared with PostgreSQL's answers for random states.

Each state is made, read and compared within one transaction that is rolled back, so hundreds take seconds.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pg8000.native import Connection

from db_bootstrap.cli.document_file import read_document
from db_bootstrap.document import parse_document
from db_bootstrap.effective.access import Access
from db_bootstrap.effective.audit import audit_as_dict
from db_bootstrap.effective.catalog import ObjectClass, Objects
from db_bootstrap.effective.changes import GRANT_OPTION, OWNERSHIP, Comparison
from db_bootstrap.effective.questions import rights_on
from db_bootstrap.inspect.catalog import catalog_of, read_catalog
from db_bootstrap.inspect.session import Session, catalog_reader, connected
from db_bootstrap.model import Credential
from devtools.postgres.cluster import Cluster
from tests.support.access import Access as CellarAccess
from tests.support.command_line import CommandLine
from tests.support.database import Database

pytestmark = [pytest.mark.database, pytest.mark.each_major]

ROLES = ("ann", "bob", "cid", '"Dan o\'x"', "eve")
GROUPS = (*ROLES, "pg_read_all_data", "pg_write_all_data", "pg_maintain", "pg_database_owner", "pg_monitor")
SETUP = (
    *(f"CREATE ROLE {role}" for role in ROLES),
    "CREATE SCHEMA hall",
    "CREATE TABLE hall.beer (id int GENERATED ALWAYS AS IDENTITY, name text)",
    'CREATE VIEW hall."Odd one" AS SELECT 1 AS id, 2 AS name',
    "CREATE SEQUENCE hall.number",
    "CREATE FUNCTION hall.rate(integer, hall.beer) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE PROCEDURE hall.brew(text) LANGUAGE sql AS 'SELECT 1'",
    "CREATE TYPE hall.style AS ENUM ('a')",
    "CREATE DOMAIN hall.percent AS int",
    "CREATE FOREIGN DATA WRAPPER wrapper",
    "CREATE SERVER far FOREIGN DATA WRAPPER wrapper",
)
# The names of objects in GRANT and ALTER ... OWNER TO, and their privileges.
TARGETS = {
    "TABLE hall.beer": "SELECT INSERT UPDATE DELETE TRUNCATE REFERENCES TRIGGER MAINTAIN",
    'TABLE hall."Odd one"': "SELECT INSERT UPDATE DELETE TRUNCATE REFERENCES TRIGGER MAINTAIN",
    "TABLE pg_catalog.pg_authid": "SELECT INSERT UPDATE DELETE",
    "TABLE pg_catalog.pg_settings": "SELECT INSERT UPDATE DELETE",
    "SEQUENCE hall.number": "SELECT USAGE UPDATE",
    "FUNCTION hall.rate(integer, hall.beer)": "EXECUTE",
    "FUNCTION pg_catalog.pg_read_file(text)": "EXECUTE",
    "PROCEDURE hall.brew(text)": "EXECUTE",
    "TYPE hall.style": "USAGE",
    "DOMAIN hall.percent": "USAGE",
    "SCHEMA hall": "USAGE CREATE",
    "SCHEMA public": "USAGE CREATE",
    "LANGUAGE plpgsql": "USAGE",
    "FOREIGN DATA WRAPPER wrapper": "USAGE",
    "FOREIGN SERVER far": "USAGE",
    "TABLESPACE pg_default": "CREATE",
    "PARAMETER log_statement": "SET",
    "DATABASE {database}": "CONNECT CREATE TEMPORARY",
}
ATTRIBUTES = ("SUPERUSER", "INHERIT", "NOINHERIT", "NOINHERIT", "LOGIN", "CREATEROLE")
FUNCTIONS = {
    ObjectClass.ROUTINE: "function",
    ObjectClass.FOREIGN_DATA_WRAPPER: "foreign_data_wrapper",
    ObjectClass.FOREIGN_SERVER: "server",
}
LABELLED = {ObjectClass.TABLE, ObjectClass.SEQUENCE, ObjectClass.ROUTINE, ObjectClass.TYPE}


@st.composite
def changes(draw: st.DrawFn) -> str:
    """A statement, which PostgreSQL may refuse."""
    grantee = draw(st.sampled_from([*ROLES, *ROLES, "PUBLIC", "pg_monitor"]))
    target = draw(st.sampled_from(list(TARGETS)))
    privilege = draw(st.sampled_from(TARGETS[target].split()))
    match draw(st.sampled_from(["grant", "grant", "grant", "column", "revoke", "owner", "member", "member", "role"])):
        case "grant":
            return f"GRANT {privilege} ON {target} TO {grantee} {draw(st.sampled_from(['', 'WITH GRANT OPTION']))}"
        case "column":
            column = draw(st.sampled_from(["SELECT (id)", "INSERT (name)", "UPDATE (id, name)", "REFERENCES (name)"]))
            return f"GRANT {column} ON hall.beer TO {grantee} {draw(st.sampled_from(['', 'WITH GRANT OPTION']))}"
        case "revoke":
            owner = draw(st.sampled_from([*ROLES, "PUBLIC", "pg_database_owner"]))
            return f"REVOKE ALL ON {target} FROM {owner} CASCADE"
        case "owner":
            word = target.replace("FOREIGN SERVER", "SERVER")
            return f"ALTER {word} OWNER TO {draw(st.sampled_from([*ROLES, 'pg_database_owner']))}"
        case "role":
            return f"ALTER ROLE {draw(st.sampled_from(ROLES))} {draw(st.sampled_from(ATTRIBUTES))}"
        case _:
            options = [f"{word} {draw(st.sampled_from(['TRUE', 'FALSE']))}" for word in ("INHERIT", "SET", "ADMIN")]
            option = draw(st.sampled_from(["", "WITH ADMIN OPTION", f"WITH {', '.join(options)}"]))
            group, member = draw(st.sampled_from(GROUPS)), draw(st.sampled_from([*ROLES, *ROLES, "pg_monitor"]))
            return f"GRANT {group} TO {member} {option}"


@pytest.fixture(scope="module")
def world(postgres: Cluster) -> Iterator[Connection]:
    database = Database(postgres, "effective")
    with postgres.connect_as_superuser(database.name) as connection:
        connection.run("SET search_path = pg_catalog, pg_temp")
        yield connection
    database.drop()


@settings(phases=[Phase.generate])
@given(made=st.lists(changes(), min_size=10, max_size=40))
def test_effective_access_is_what_postgresql_says_of_every_role_object_and_privilege(
    made: list[str], world: Connection
) -> None:
    moments = []
    world.run("START TRANSACTION")
    try:
        for statements in ((*SETUP, *made[: len(made) // 2]), made[len(made) // 2 :]):
            do(world, *(statement.format(database="effective") for statement in statements))
            moments.append(Access(catalog_of(catalog_reader(Session(world)))))
        access = moments[-1]
        judged = [name for name in access.catalog.roles if not name.startswith("rds")]
        claimed = {
            (role, *key(on, name), privilege + option)
            for on, role in product(access.catalog.objects, judged)
            for option, rights in zip(("", " WITH GRANT OPTION"), access.rights(role, on), strict=True)
            for name, privilege in product(on.names, rights)
        }
        for kind in ObjectClass:
            assert {item for item in claimed if item[1] == kind} == has_privileges(world, access, kind, judged)
        assert_memberships(world, access, judged)
        assert_usable(world, access, judged)
    finally:
        world.run("ROLLBACK")
    before, after = moments
    assert_changes(before, after, {*judged} - before.superusers - after.superusers)


def assert_changes(before: Access, after: Access, roles: set[str]) -> None:
    """The changes between two states are the differences between their rights, which the oracle has confirmed."""
    single = [
        {
            key(on, name): replace(on, names=(name,), owner="" if on.relation else on.owner)
            for on in access.catalog.objects
            for name in on.names
        }
        for access in (before, after)
    ]
    # A column without privileges is not read, nor what PostgreSQL brought with its first ones.
    places = [place for place in single[0] | single[1] if place in single[0].keys() & single[1].keys() or place[2]]
    catalogs = (
        replace(
            access.catalog, objects=tuple(found.get(place) or replace(other[place], entries=()) for place in places)
        )
        for access, found, other in zip((before, after), single, reversed(single), strict=True)
    )
    comparison = Comparison(*(Access(catalog) for catalog in catalogs))
    tables = {place[:2]: index for index, place in enumerate(places) if place[0] is ObjectClass.TABLE}
    for role in roles:
        claimed: dict[tuple[bool, int | None], set[str]] = {}
        for is_loss, _, privilege, indices in comparison.changes(role):
            for index in indices:
                claimed.setdefault((is_loss, index), set()).add(privilege)
        for index, place in enumerate(places):
            rights = [
                {*held, *(GRANT_OPTION + privilege for privilege in can_grant)}
                for access in (comparison.before, comparison.after)
                for held, can_grant in [access.rights(role, access.catalog.objects[index])]
            ]
            table = tables.get((ObjectClass.TABLE, place[1])) if place[0] is ObjectClass.COLUMN else None
            for is_loss, changed in ((True, rights[0] - rights[1]), (False, rights[1] - rights[0])):
                here, greater = claimed.get((is_loss, index), set()), claimed.get((is_loss, table), set())
                assert here - {OWNERSHIP} <= changed
                assert changed <= here | greater or OWNERSHIP in here | greater


def do(world: Connection, *statements: str) -> None:
    """Run the statements in one round trip, and continue after those that are refused."""
    quoted = (statement.replace("'", "''") for statement in statements)
    body = "".join(f"BEGIN EXECUTE '{text}'; EXCEPTION WHEN OTHERS THEN NULL; END; " for text in quoted)
    world.run(f"DO $do$ BEGIN {body} END $do$")


def key(on: Objects, name: str) -> tuple[ObjectClass, str, str]:
    if on.kind is ObjectClass.COLUMN:
        return on.kind, Objects(ObjectClass.TABLE, on.schema, None, (), "", ()).label(on.relation or ""), name
    return on.kind, on.label(name) if on.kind in LABELLED else name, ""


def has_privileges(
    world: Connection, access: Access, kind: ObjectClass, roles: list[str]
) -> set[tuple[str, ObjectClass, str, str, str]]:
    """Return what PostgreSQL says of these roles and all objects of a kind."""
    keys = [key(on, name) for on in access.catalog.objects if on.kind is kind for name in on.names]
    column = "target.name, target.part" if kind is ObjectClass.COLUMN else "target.name"
    rows = (
        world.run(
            "SELECT role, target.name, target.part, privilege FROM unnest(CAST(:roles AS text[])) role,"
            " unnest(CAST(:names AS text[]), CAST(:parts AS text[])) AS target (name, part),"
            " unnest(CAST(:privileges AS text[])) privilege"
            f" WHERE has_{FUNCTIONS.get(kind, kind)}_privilege(role, {column}, privilege)",
            roles=roles,
            names=[name for _, name, _ in keys],
            parts=[part for *_, part in keys],
            privileges=[name + option for name in access.privileges(kind) for option in ("", " WITH GRANT OPTION")],
        )
        if keys
        else []
    )
    return {(role, kind, name, part, privilege) for role, name, part, privilege in rows or []}


def assert_memberships(world: Connection, access: Access, roles: list[str]) -> None:
    options = {"USAGE": "inherit", "MEMBER": None} | ({"SET": "set"} if access.catalog.server.version >= 160000 else {})
    words = [*options, "MEMBER WITH ADMIN OPTION"]
    rows = world.run(
        "SELECT m, g, p FROM unnest(CAST(:names AS text[])) m, unnest(CAST(:names AS text[])) g,"
        " unnest(CAST(:words AS text[])) p WHERE m <> g AND pg_has_role(m, g, p)",
        names=roles,
        words=words,
    )
    pairs = [(member, group) for member, group in product(roles, roles) if member != group]
    held = {
        (*pair, word) for pair in pairs for word, option in options.items() if pair[1] in access.paths(pair[0], option)
    }
    held |= {(*pair, "MEMBER WITH ADMIN OPTION") for pair in pairs if pair[1] in access.graph.administered(pair[0])}
    claimed = held | {(*pair, word) for pair in pairs for word in words if pair[0] in access.superusers}
    assert claimed == {tuple(row) for row in rows or []}


def assert_usable(world: Connection, access: Access, roles: list[str]) -> None:
    """A privilege on an object of a schema can be used with USAGE on the schema, of the role that was set if any."""
    claimed = set()
    for role, on in product(roles, [on for on in access.catalog.objects if on.schema == "hall"]):
        for way in [way for right in rights_on(access, role, on, on.names) for way in right.ways]:
            assert way.set_role is None or way.set_role in access.paths(role, "set")
            claimed.add((way.set_role or role, way.lacks is None))
    rows = world.run("SELECT rolname, has_schema_privilege(oid, 'hall', 'USAGE') FROM pg_roles")
    assert claimed <= {(role, can_use) for role, can_use in rows or []}


def test_questions_are_answered_with_the_path(cellar: CellarAccess, command_line: CommandLine) -> None:
    cellar.apply()
    cellar.as_superuser(
        "CREATE ROLE {stranger} LOGIN",
        "CREATE TABLE {schema}.beer (id int, name text)",
        "ALTER TABLE {schema}.beer OWNER TO {owner}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.beer TO {writer}",
        "GRANT SELECT ON {schema}.beer TO {reader}",
        "GRANT UPDATE (name) ON {schema}.beer TO {stranger} WITH GRANT OPTION",
        "GRANT pg_read_all_data TO {report}",
        "CREATE ROLE {auditor} LOGIN NOINHERIT IN ROLE {reader}",
    )

    def asked(*arguments: str) -> list[str]:
        status, output = command_line.ask(*(cellar.filled(argument) for argument in arguments))
        assert status == 0
        return output.replace(cellar.role(""), "").splitlines()

    everything = "SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER"
    everything += ", MAINTAIN" if cellar.database.cluster.major >= 17 else ""
    who = asked("who", "--on", "cellar.beer")
    assert who[0] == "table cellar.beer belongs to owner."
    assert f"owner: {everything} on table cellar.beer as the owner" in who
    assert "app_a: SELECT, INSERT, UPDATE, DELETE on table cellar.beer through app and writer" in who
    assert "report: SELECT on table cellar.beer through reader" in who
    assert "auditor: SELECT on table cellar.beer after SET ROLE reader" in who
    change = "stranger: UPDATE on column cellar.beer.name by a direct grant"
    lacking = "; not usable without USAGE on schema cellar"
    assert change + lacking in who
    assert asked("who", "--on", "cellar.beer", "--privilege", "truncate")[1:] == [
        line.replace(everything, "TRUNCATE") for line in who if everything in line
    ]
    assert asked("why", "--of", "{report}", "--on", "table cellar.beer", "--privilege", "SELECT")[1:] == [
        "report: SELECT on table cellar.beer through reader, granted by owner",
        "report: SELECT on table cellar.beer through pg_read_all_data",
    ]
    why = asked("why", "--of", "{stranger}", "--on", "cellar.beer")
    assert why[-1] == f"{change}, granted by owner with the grant option{lacking}"
    what = asked("what", "--of", "{app_a}")
    assert "app_a: it inherits from app, writer (through app)." in what
    assert "app_a: SELECT, INSERT, UPDATE, DELETE on table cellar.beer through app and writer" in what
    status, output = command_line.ask("who", "--on", "cellar.beer", "--format", "json")
    assert status == 0
    assert {right["role"] for right in json.loads(output)["access"]} >= {cellar.role("owner"), cellar.role("report")}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("who", "--on", "schema publik"), "Did you mean 'schema public'?"),
        (("what", "--of", "pg_read_all_dat"), "Did you mean 'pg_read_all_data'?"),
        (("who", "--on", "public", "--privilege", "ALL"), "There is no privilege 'ALL'"),
    ],
)
def test_a_question_that_has_no_answer_is_refused(
    arguments: tuple[str, ...], complaint: str, command_line: CommandLine
) -> None:
    status, output = command_line.ask(*arguments)
    assert (status, complaint in output) == (1, True)


def test_an_audit_reports_what_is_surprising_and_prints_a_document_to_adopt(
    cellar: CellarAccess, command_line: CommandLine, tmp_path: Path
) -> None:
    cellar.apply()
    cellar.as_superuser(
        "CREATE ROLE {stranger} LOGIN CREATEROLE VALID UNTIL '2020-01-01'",
        "CREATE ROLE {auditor} LOGIN BYPASSRLS IN ROLE {reader}",
        "GRANT CONNECT ON DATABASE {database} TO {auditor}",
        "GRANT pg_execute_server_program TO {writer}",
        "GRANT {owner} TO {auditor} WITH ADMIN OPTION",
        "CREATE TABLE {schema}.beer (id int, name text)",
        "GRANT SELECT ON {schema}.beer TO PUBLIC",
        "CREATE FUNCTION {schema}.hop() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        "GRANT EXECUTE ON FUNCTION {schema}.hop TO PUBLIC",
        "ALTER FUNCTION {schema}.hop OWNER TO {owner}",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "UPDATE pg_class SET relacl = relacl || makeaclitem(99999, relowner, 'DELETE', false) WHERE relname = 'beer'",
    )
    status, output = command_line.ask("audit")
    assert status == 0
    lines = {line.removeprefix("# ") for line in output.replace(cellar.role(""), "").splitlines()}
    assert lines >= {
        "- Superusers can do everything: rdsadmin.",
        "- app_a can act as pg_execute_server_program, which can run programs on the server through app and writer.",
        "- auditor can grant to any role: owner.",
        "- auditor ignores row security.",
        "- every role can execute routine cellar.hop() with the rights of owner; its search_path is not pinned.",
        "- every role can create objects in schema public, which is on the search_path of every role.",
        "- every role: SELECT on table cellar.beer through PUBLIC; not usable without USAGE on schema cellar.",
        "- table cellar.beer has privileges of or by a role that was dropped.",
        "- The password of stranger expired on 2020-01-01 00:00:00+00; other ways to log in still work.",
        "app_a, app_b:",
        "  - it inherits from app, writer (through app), pg_execute_server_program (through app and writer)",
        "  - USAGE on schema cellar by a direct grant",
    }
    assert not {line for line in lines if line.startswith("  - ") and "through app" in line and " on " in line}
    assert any(line.startswith("- stranger has CREATEROLE") for line in lines)
    (tmp_path / "access.yaml").write_text(output)
    parse_document(read_document(tmp_path / "access.yaml"))
    audited = json.loads(command_line.ask("audit", "--format", "json")[1])
    assert {finding["kind"] for finding in audited["findings"]} >= {"power", "public", "dropped role", "expired login"}
    parse_document(audited["document"])
    cellar.database.cluster.set_password(cellar.role("auditor"), "x")
    with connected(cellar.endpoint, Credential(cellar.role("auditor"), "x")) as session:
        access = Access(read_catalog(session))
    assert audit_as_dict(access)["findings"] == audited["findings"], "any role can read all of it"
