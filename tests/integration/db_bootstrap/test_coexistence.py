"""Others who work on the same database: other documents, people, extensions, and locks."""

import copy
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from db_bootstrap.apply import ATTEMPTS, apply, locked
from db_bootstrap.document import parse_document
from db_bootstrap.errors import StatementError
from tests.support.access import Access

pytestmark = [pytest.mark.database, pytest.mark.each_major(also=15)]

PRESETS = ("read", "write", "own")


def different_documents(cellar: Access) -> list[dict[str, Any]]:
    """Eight documents on the same two schemas, each with another owner, other members and other presets."""
    documents = []
    for number in range(8):
        document = copy.deepcopy(cellar.raw)
        owner, guest = cellar.role(f"owner{number % 3}"), cellar.role(f"guest{number}")
        document["schemas"] = {cellar.schema: {"owner": owner}, "yard": {"owner": cellar.role("owner")}}
        document["roles"][owner] = {}
        document["roles"][guest] = {"schemas": {cellar.schema: PRESETS[number % 3], "yard": PRESETS[number // 3]}}
        document["roles"][cellar.role("writer")]["schemas"] = {"yard": PRESETS[(number + 1) % 3]}
        document["logins"][cellar.role("app")]["member_of"].append(guest)
        document["logins"][cellar.role("app")]["connection_limit"] = number
        document["logins"][cellar.role("app")]["acts_as"] = cellar.role("writer")
        documents.append(document)
    return documents


def test_of_eight_documents_at_once_the_last_one_holds(cellar: Access) -> None:
    cellar.apply()
    cellar.as_superuser("CREATE TABLE {schema}.wine (id int)", "ALTER TABLE {schema}.wine OWNER TO {owner}")
    documents = different_documents(cellar)
    finished = []

    def apply_one(number: int) -> None:
        with cellar.master() as connection, locked(connection):
            apply(connection, parse_document(documents[number]))
            finished.append(number)

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(apply_one, number) for number in range(8)]:
            done.result()
    assert sorted(finished) == list(range(8))
    agreeing = []
    for number, document in enumerate(documents):
        cellar.raw = document
        if cellar.plan().statements == ():
            agreeing.append(number)
    assert agreeing == [finished[-1]]


@pytest.mark.parametrize(
    ("target", "is_taken"),
    [
        ("SELECT ON {schema}.wine", True),
        ("SELECT (id) ON {schema}.wine", True),
        ("USAGE ON SCHEMA {schema}", True),
        # What others may do with the database is theirs to keep, and so is what they pass on.
        ("TEMPORARY ON DATABASE {database}", False),
    ],
)
def test_memberships_that_a_stranger_granted_are_revoked_with_the_option_or_reported(
    target: str, is_taken: bool, cellar: Access
) -> None:
    cellar.apply()
    cellar.as_superuser(
        "CREATE TABLE {schema}.wine (id int)", "ALTER TABLE {schema}.wine OWNER TO {owner}", "CREATE ROLE {stranger}"
    )
    cellar.apply()
    grant = f"GRANT {target}"
    cellar.as_superuser(
        "GRANT USAGE ON SCHEMA {schema} TO {stranger}",
        f"{grant} TO {{stranger}} WITH GRANT OPTION",
        f"SET ROLE {{stranger}}; {grant} TO PUBLIC",
        "GRANT CREATE ON SCHEMA {schema} TO {reader}",
    )
    done = cellar.apply()
    assert cellar.plan().statements == ()
    assert cellar.as_superuser("SELECT has_schema_privilege('{reader}', '{schema}', 'CREATE')") == [[False]]
    notes = [note for note in done.unmanaged if "'public'" in note and cellar.role("stranger") in note]
    assert len(notes) == (0 if is_taken else 1)


@pytest.mark.parametrize(
    ("creator", "rights", "unlisted"),
    [
        ("reader", ["GRANT CREATE ON SCHEMA {schema} TO {reader}"], "report"),
        ("reader", ["GRANT CREATE ON SCHEMA {schema} TO PUBLIC"], "report"),
        ("reader", ["GRANT {owner} TO {reader}"], "report"),
        ("report", ["GRANT {owner} TO {reader}"], "report"),
        ("report", ["GRANT {stranger} TO {report}", "GRANT CREATE ON SCHEMA {schema} TO {stranger}"], "report"),
        (
            "report",
            ["GRANT {stranger} TO {report}", "GRANT {owner} TO {auditor}; GRANT {auditor} TO {stranger}"],
            "report",
        ),
        (
            "report",
            [
                "GRANT CREATE ON SCHEMA {schema} TO {master} WITH GRANT OPTION",
                "SET ROLE {master}; GRANT CREATE ON SCHEMA {schema} TO {reader}",
            ],
            "revoke",
        ),
    ],
)
def test_what_roles_create_by_undeclared_rights_that_stay_has_the_declared_grants(
    creator: str, rights: list[str], unlisted: str, cellar: Access
) -> None:
    cellar.raw["unlisted"] = unlisted
    cellar.as_superuser("CREATE ROLE {stranger}", "CREATE ROLE {auditor}")
    cellar.apply()
    cellar.as_superuser(*rights)
    cellar.apply()
    assert cellar.plan().statements == ()
    made = "CREATE TABLE {schema}.wine (id int); CREATE FUNCTION {schema}.age() RETURNS int LANGUAGE sql AS 'SELECT 2'"
    cellar.as_superuser(f"SET SESSION AUTHORIZATION {{{creator}}}; {made}")
    assert cellar.plan().statements == ()
    granted = "SELECT has_table_privilege('{writer}', '{schema}.wine', 'DELETE')"
    assert cellar.as_superuser(granted) == [[True]]


@pytest.mark.parametrize(
    "held",
    [
        pytest.param("GRANT UPDATE ON {schema}.wine TO {reader}", id="a grant on the same table"),
        pytest.param("GRANT CREATE ON SCHEMA {schema} TO {reader}", id="a grant on the same schema"),
        pytest.param("ALTER ROLE {app_a} CONNECTION LIMIT 70", id="a change of the same role"),
    ],
)
def test_a_lock_that_is_held_for_too_long_is_named_and_undoes_all(
    held: str, cellar: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    cellar.apply()
    cellar.as_superuser("CREATE TABLE {schema}.wine (id int)", "ALTER TABLE {schema}.wine OWNER TO {owner}")
    cellar.raw["roles"][cellar.role("reader")]["schemas"] = {cellar.schema: "own"}
    cellar.raw["logins"][cellar.role("app")]["connection_limit"] = 6
    cellar.raw["roles"][cellar.role("new")] = {}
    monkeypatch.setattr("db_bootstrap.apply.STATEMENT_LOCK_WAIT_SECONDS", 1)
    with cellar.database.cluster.connect_as_superuser(cellar.database.name) as other:
        other.run("BEGIN")
        other.run(cellar.filled(held))
        with pytest.raises(StatementError, match="held a lock for too long; apply again") as refused:
            cellar.apply()
        assert refused.value.sqlstate == "55P03"
        assert cellar.as_superuser(f"SELECT FROM pg_roles WHERE rolname = '{cellar.role('new')}'") == []
        other.run("ROLLBACK")
    cellar.apply()
    assert cellar.plan().statements == ()


@pytest.mark.parametrize("attempts", [1, ATTEMPTS])
def test_a_change_at_the_same_moment_is_waited_out_or_named(
    attempts: int, cellar: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    cellar.apply()
    cellar.as_superuser("CREATE TABLE {schema}.wine (id int)", "ALTER TABLE {schema}.wine OWNER TO {owner}")
    monkeypatch.setattr("db_bootstrap.apply.ATTEMPTS", attempts)
    with cellar.database.cluster.connect_as_superuser(cellar.database.name) as other:
        other.run("BEGIN")
        other.run(cellar.filled("GRANT UPDATE ON {schema}.wine TO {master}"))
        commit = threading.Timer(1, other.run, ("COMMIT",))
        commit.start()
        if attempts == 1:
            with pytest.raises(StatementError, match="at the same moment; apply again") as refused:
                cellar.apply()
            assert refused.value.sqlstate == "XX000"
        else:
            assert cellar.apply().statements
        commit.join()
    cellar.apply()
    assert cellar.plan().statements == ()


def test_eight_applies_on_two_databases_of_one_server_share_their_roles(cellar: Access, elsewhere: Access) -> None:
    """Every role is in both documents; the one that does not report has made them, and marked them as its own."""
    elsewhere.raw["unlisted"] = "report"
    cellar.apply()
    documents = []
    for number in range(4):
        for access in (cellar, elsewhere):
            # All want the same of the roles, and each another thing of its schema.
            document = copy.deepcopy(access.raw)
            document["roles"][access.role("writer")]["schemas"] = {access.schema: PRESETS[number % 3]}
            document["logins"][access.role("app")]["acts_as"] = access.role("writer")
            documents.append((access, document))

    def apply_one(number: int) -> None:
        access, document = documents[number]
        with access.master() as connection, locked(connection):
            apply(connection, parse_document(document))

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(apply_one, number) for number in range(8)]:
            done.result()
    for access in (elsewhere, cellar, elsewhere):
        access.apply()
    assert cellar.plan().statements == elsewhere.plan().statements == ()
