"""A document for a database that has none: it plans empty, it says all that it can, and it says what it cannot."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, note
from hypothesis import strategies as st

from db_bootstrap.cli import document_file
from db_bootstrap.cli.generate import Generated, generate
from db_bootstrap.desired import mark
from db_bootstrap.document import parse_document
from db_bootstrap.inspect.catalog import catalog_of
from db_bootstrap.inspect.session import catalog_reader
from db_bootstrap.plan import make_plan
from tests.support.access import Access, on
from tests.support.command_line import PROGRAM, CommandLine
from tests.support.random_access import ByHand, documents, starting_states
from tests.support.workshop import Workshop

pytestmark = [pytest.mark.database, pytest.mark.each_major]


def generated(cellar: Access) -> Generated:
    with cellar.master() as connection:
        return own(cellar, generate(catalog_of(catalog_reader(connection))))


def own(cellar: Access, made: Generated) -> Generated:
    """Return what was generated, without the roles of other tests on the same server."""
    prefix = cellar.role("")
    document = dict(made.document)
    for section in ("roles", "logins"):
        document[section] = {
            name: declared for name, declared in document.get(section, {}).items() if name.startswith(prefix)
        }
    left_out = {name: reason for name, reason in made.left_out.items() if name.startswith(prefix)}
    return Generated(document, left_out)


def add_to_extension(first: int, workshop: Workshop) -> None:
    """Make each third object, from this one on, one of an extension, which is dropped with its schema."""
    workshop.do(ByHand("CREATE EXTENSION pgcrypto SCHEMA hall"))
    rows = workshop.rows(
        "SELECT i.type || ' ' || i.identity FROM pg_shdepend s, pg_identify_object(s.classid, s.objid, 0) i"
        " WHERE s.deptype = 'o' AND i.schema IN ('hall', 'yard') AND NOT EXISTS (SELECT FROM pg_depend d"
        " WHERE d.classid = s.classid AND d.objid = s.objid AND d.deptype IN ('i', 'a')) ORDER BY 1"
    )
    for (name,) in rows[first::3]:
        workshop.do(ByHand(f"ALTER EXTENSION pgcrypto ADD {name}"))


@given(data=st.data())
def test_the_document_generated_from_any_state_plans_no_change(data: st.DataObject, workshop: Workshop) -> None:
    earlier = data.draw(st.none() | documents(), label="an earlier document")
    by_hand = data.draw(starting_states(data.draw(documents(), label="names")), label="by hand")
    workshop.clear()
    if earlier:
        workshop.apply({**earlier, "retired": {}, "unlisted": "revoke"})
    for change in by_hand:
        workshop.do(change)
    add_to_extension(data.draw(st.integers(0, 5), label="first of an extension"), workshop)
    made = generate(catalog_of(catalog_reader(workshop.master)))
    note(json.dumps(made.document))
    planned = make_plan(workshop.master, parse_document(made.document))
    # A rotated login that can create objects needs a decision: the role that they belong to.
    refusals = [refusal for refusal in planned.refusals if ".acts_as: it can create objects" not in refusal]
    assert (planned.statements, refusals) == ((), [])


@given(document=documents(), first=st.integers(0, 5))
def test_what_a_document_has_made_the_one_that_is_generated_says_in_full(
    document: dict[str, Any], first: int, workshop: Workshop
) -> None:
    workshop.clear()
    workshop.apply({**document, "retired": {}, "unlisted": "revoke"})
    workshop.let_creators_make_things(document)
    add_to_extension(first, workshop)
    made = own(workshop.cellar, generate(catalog_of(catalog_reader(workshop.master))))
    note(json.dumps(made.document))
    assert made.left_out.keys() <= {workshop.cellar.database.master}
    planned = make_plan(workshop.master, parse_document({**made.document, "unlisted": "revoke"}))
    assert planned.statements == ()


def test_a_database_that_people_have_made_by_hand_is_described_in_the_documents_words(cellar: Access) -> None:
    cellar.as_superuser(
        "CREATE ROLE {owner}",
        "CREATE ROLE {reader}",
        "CREATE ROLE {writer}",
        "CREATE ROLE {app} LOGIN NOINHERIT CONNECTION LIMIT 7 VALID UNTIL '2040-01-01 00:00Z' IN ROLE pg_monitor",
        "CREATE ROLE {report} LOGIN VALID UNTIL '2040-01-01' IN ROLE rds_iam",
        "COMMENT ON ROLE {report} IS 'Reads beers'",
        "GRANT {writer} TO {app}",
        "GRANT {reader} TO {report}, {writer}",
        "ALTER ROLE {app} SET statement_timeout = '5s'",
        'ALTER ROLE {app} SET search_path = {schema}, "Odd, one"',
        "CREATE SCHEMA {schema} AUTHORIZATION {owner}",
        "GRANT USAGE ON SCHEMA {schema} TO {reader}",
    )
    with cellar.database.cluster.connect_as_superuser(cellar.database.name) as connection:
        for statement in (
            "SET ROLE {owner}",
            "CREATE TABLE {schema}.beer (id int, name text)",
            "CREATE FUNCTION {schema}.strong(int, text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "REVOKE ALL ON FUNCTION {schema}.strong FROM PUBLIC",
            "GRANT SELECT ON {schema}.beer TO {reader}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {reader}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON SEQUENCES TO {reader}",
            "GRANT INSERT, DELETE ON {schema}.beer TO {writer}",
            "GRANT UPDATE (name) ON {schema}.beer TO {writer}",
            "GRANT EXECUTE ON FUNCTION {schema}.strong TO {writer}",
        ):
            connection.run(cellar.filled(statement))
    made = generated(cellar)
    role, schema = cellar.role, cellar.schema
    assert made.document == {
        "database": cellar.database.name,
        "unlisted": "report",
        "schemas": {schema: {"owner": role("owner")}},
        "roles": {
            role("owner"): {},
            role("reader"): {"schemas": {schema: "read"}},
            role("writer"): {
                "member_of": [role("reader")],
                "grants": [
                    on("tables", "INSERT", "DELETE", names=["beer"]),
                    on("tables", "UPDATE", names=["beer"], columns=["name"]),
                    on("routines", "EXECUTE", names=["strong(integer, text)"]),
                ],
            },
        },
        "logins": {
            role("app"): {
                "credential": "external",
                "inherit": False,
                "connection_limit": 7,
                "valid_until": "2040-01-01 00:00:00Z",
                "settings": {"search_path": [schema, "Odd, one"], "statement_timeout": "5s"},
                "member_of": ["pg_monitor", role("writer")],
            },
            role("report"): {"comment": "Reads beers", "credential": "iam", "member_of": [role("reader")]},
        },
        "public": {"grants": [{"on": "database", "privileges": ["CONNECT", "TEMPORARY"]}]},
    }


def test_an_object_of_an_extension_is_named_if_only_what_it_has_is_granted_then(cellar: Access) -> None:
    names = [name.replace(" ", " {schema}.") for name in ("TABLE a", "TABLE b", "SEQUENCE c", "TABLE of_others")]
    cellar.as_superuser(
        "CREATE ROLE {owner}",
        "CREATE ROLE {reader}",
        "CREATE SCHEMA {schema} AUTHORIZATION {owner}",
        "CREATE EXTENSION pgcrypto SCHEMA {schema}",
        *(f"CREATE {name}" + " (id int)" * name.startswith("TABLE") for name in names),
        *(f"ALTER EXTENSION pgcrypto ADD {name}" for name in names),
        *(f"ALTER {name} OWNER TO {{master}}" for name in names[:-1]),
        "GRANT DELETE ON {schema}.a, {schema}.of_others TO {reader}, {owner}, PUBLIC",
        "GRANT UPDATE (id) ON {schema}.b TO {reader}",
        # To name the sequence would grant SELECT on it too.
        "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT SELECT ON SEQUENCES TO {reader}",
        "GRANT USAGE ON {schema}.c TO {reader}",
    )
    document = generated(cellar).document
    a, b = on("tables", "DELETE", names=["a"]), on("tables", "UPDATE", names=["b"], columns=["id"])
    c = on("sequences", "SELECT")
    assert document["roles"][cellar.role("owner")]["grants"] == [a]
    assert document["roles"][cellar.role("reader")]["grants"] == [a, b, c]
    assert a in document["public"]["grants"]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("ALTER ROLE {stranger} SUPERUSER", "it is a superuser"),
        ("ALTER ROLE {stranger} CREATEDB", "a document cannot declare a role with another createdb than the default"),
        (f"COMMENT ON ROLE {{stranger}} IS '{mark('other')}'", "the document of another database manages it"),
        (
            "ALTER ROLE {stranger} LOGIN; REVOKE CONNECT ON DATABASE {database} FROM PUBLIC",
            "it cannot connect to this database",
        ),
    ],
)
def test_a_role_that_no_document_can_declare_is_left_out_with_the_reason(
    statement: str, reason: str, cellar: Access
) -> None:
    cellar.as_superuser("CREATE ROLE {stranger}", statement)
    assert generated(cellar).left_out[cellar.role("stranger")] == reason


def test_the_command_line_prints_a_document_that_plans_empty(command_line: CommandLine, tmp_path: Path) -> None:
    command_line.cellar.apply()
    file = tmp_path / "generated.yaml"
    status, text = command_line.ask("generate")
    file.write_text(text, encoding="utf-8")
    assert (status, yaml.safe_load(text)["database"]) == (0, command_line.cellar.database.name)
    assert f"# - {command_line.cellar.database.master}: it is the role that applies the document" in text
    command_line.cellar.raw = document_file.read_document(file)  # type: ignore[assignment]
    assert command_line.planned()["changes"] == []


def test_as_json_it_is_a_document_and_what_it_leaves_out_is_on_standard_error(command_line: CommandLine) -> None:
    command = [*PROGRAM, "generate", "--format", "json", "--dsn", command_line.dsn()]
    environment = {**os.environ, "PGPASSWORD": command_line.cellar.database.password}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert "rds_superuser" in done.stderr
    command_line.cellar.raw = json.loads(done.stdout)
    assert command_line.planned()["changes"] == []
