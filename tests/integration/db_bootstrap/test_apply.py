import copy
import json
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pg8000.exceptions
import pytest
from pg8000.native import Connection

from db_bootstrap.apply import LOCK_KEY, apply, locked
from db_bootstrap.document import parse_document
from db_bootstrap.errors import StatementError, UnmanageableError
from db_bootstrap.inspect.snapshot import LEAST_QUERIES, MAXIMUM_QUERIES
from db_bootstrap.plan import read_difference
from db_bootstrap.sql import identifier
from tests.support.access import Access

pytestmark = [pytest.mark.database, pytest.mark.each_major]

CONTENTS = (
    "SET ROLE {owner}; CREATE TABLE {schema}.wine (id int, name text)",
    "SET ROLE {owner}; CREATE SEQUENCE {schema}.numbers",
    "SET ROLE {owner}; CREATE FUNCTION {schema}.twice(a int) RETURNS int LANGUAGE sql AS 'SELECT 2 * a'",
)


@pytest.mark.parametrize("is_managed", [True, False])
def test_an_undeclared_membership_that_only_its_grantor_can_revoke_is_refused_if_the_member_is_managed(
    is_managed: bool, cellar: Access
) -> None:
    """On a server other than RDS, where the catalogs have all that the master can do."""
    member = "{app_a}" if is_managed else "{stranger}"
    del cellar.raw["logins"][cellar.role("report")]
    cellar.as_superuser("REVOKE rds_superuser FROM {master}", "CREATE ROLE {stranger}")
    cellar.apply()
    cellar.as_superuser(f"GRANT {{owner}} TO {member}")
    planned = cellar.plan()
    # Before version 16 a membership has no grantor that counts, and the master simply revokes it.
    only_they = cellar.database.cluster.major >= 16
    assert any("let 'rdsadmin' run: REVOKE \"" in reason for reason in planned.refusals) is (only_they and is_managed)
    assert any("only they can revoke it" in note for note in planned.unmanaged) is (only_they and not is_managed)
    if planned.refusals:
        with pytest.raises(UnmanageableError, match="or let the creator of"):
            cellar.apply()
        return
    cellar.apply()
    rows = cellar.as_superuser(f"SELECT pg_has_role('{member}', '{{owner}}', 'MEMBER')")
    assert rows == [[only_they]]


def test_a_look_takes_as_many_queries_for_many_objects_as_for_none(
    cellar: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    cellar.apply()
    queries: list[str] = []
    run: Any = Connection.run

    def counted(connection: Connection, sql: str, **parameters: object) -> object:
        queries.append(sql)
        return run(connection, sql, **parameters)

    monkeypatch.setattr(Connection, "run", counted)
    document = parse_document(cellar.raw)
    with cellar.master() as connection:
        queries.clear()
        read_difference(connection, document)
        assert len(queries) == LEAST_QUERIES
        cellar.as_superuser(*CONTENTS)
        cellar.as_superuser("GRANT SELECT ON {schema}.wine TO PUBLIC")
        queries.clear()
        read_difference(connection, document)
        assert len(queries) == LEAST_QUERIES + 1, "the objects that must change are named by one more"
        raw = copy.deepcopy(cellar.raw)
        raw["extensions"] = {"pgcrypto": {}}
        raw["retired"] = {cellar.role("stranger"): {}}
        raw["logins"][cellar.role("app")]["settings"] = {"work_mem": "9MB"}
        queries.clear()
        read_difference(connection, parse_document(raw))
        assert len(queries) == MAXIMUM_QUERIES == 12, "with everything that a document can hold"


def test_eight_at_once_do_not_disturb_one_another(cellar: Access) -> None:
    with ThreadPoolExecutor(8) as pool:
        plans = [future.result() for future in [pool.submit(cellar.apply) for _ in range(8)]]
    assert len([plan for plan in plans if plan.statements]) == 1, "one does it, and seven find it done"
    assert cellar.plan().statements == ()


@pytest.mark.parametrize(
    ("before", "refusal"),
    [
        pytest.param('CREATE ROLE "{writer}" SUPERUSER', "is a superuser", id="a superuser"),
        pytest.param(
            'CREATE ROLE "{writer}"; COMMENT ON ROLE "{writer}" IS \'ours\'',
            "its comment says 'ours'",
            id="a foreign role",
        ),
    ],
)
def test_objects_of_an_undeclared_owner_are_refused_before_anything_changes(
    before: str, refusal: str, cellar: Access
) -> None:
    cellar.as_superuser(*before.split("; "))
    with pytest.raises(UnmanageableError, match=refusal):
        cellar.apply()
    assert cellar.as_superuser("SELECT rolname FROM pg_roles WHERE rolname = '{owner}'") == []


def test_the_session_that_holds_the_lock_is_named_with_the_statement_that_ends_it(
    cellar: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db_bootstrap.apply.LOCK_WAIT_SECONDS", 1)
    cellar.as_superuser("CREATE ROLE {stranger} LOGIN")
    with cellar.login("stranger") as holder:
        holder.run("SET application_name = 'by hand'")
        holder.run(f"SELECT pg_advisory_lock({LOCK_KEY})")
        with pytest.raises(StatementError, match="then apply again") as refused:
            cellar.apply()
        assert refused.value.sqlstate == "55P03"
        pid = holder.run("SELECT pg_backend_pid()")[0][0]
        named = f"pid {pid} of '{cellar.role('stranger')}', application 'by hand', connected since 2"
        assert named in str(refused.value)
        assert str(refused.value).endswith(f": SELECT pg_terminate_backend({pid});")


def test_the_statement_in_a_refusal_can_be_pasted(cellar: Access) -> None:
    """As the superuser, for a name that needs quotes."""
    owner = cellar.role('old-"owner')
    cellar.as_superuser(
        f"CREATE ROLE {identifier(owner)}",
        f"CREATE SCHEMA {{schema}} AUTHORIZATION {identifier(owner)}",
        f"ALTER DATABASE {{database}} OWNER TO {identifier(owner)}",
        "ALTER ROLE {master} NOCREATEROLE",
        "CREATE ROLE {writer} REPLICATION BYPASSRLS",
    )
    cellar.as_superuser(*statements_in(cellar.plan().refusals))
    assert cellar.plan().refusals == ()


def statements_in(refusals: Iterable[str]) -> list[str]:
    return re.findall(r"(?:run: |; )((?:GRANT|ALTER|REVOKE|CREATE|DO) .*?;)(?= DO|\n|$)", "\n".join(refusals))


def test_the_tables_of_a_schema_that_the_master_cannot_take_over_are_moved_by_the_suggested_statements(
    cellar: Access,
) -> None:
    cellar.as_superuser("CREATE SCHEMA {schema}", 'CREATE TABLE {schema}."odd %t" (id serial)')
    cellar.as_superuser('ALTER TABLE {schema}."odd %t" OWNER TO {master}', "GRANT USAGE ON SCHEMA {schema} TO {master}")
    (refusal,) = cellar.plan().refusals
    assert "no customer of RDS can. Or declare the schema" in refusal
    with cellar.master() as master:
        master.run(refusal[refusal.index("CREATE SCHEMA") :])
    cellar.raw = json.loads(json.dumps(cellar.raw).replace('"cellar"', f'"{cellar.database.name}"'))
    cellar.apply()
    assert cellar.as_superuser("SELECT has_table_privilege('{reader}', '{database}.\"odd %t\"', 'SELECT')") == [[True]]


@pytest.mark.parametrize("moment", ["SELECT", "CREATE ROLE", "GRANT", "COMMIT"])
def test_a_connection_that_drops_leaves_all_or_nothing_and_says_so(
    moment: str, cellar: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: Any = Connection.run

    def run_until(connection: Connection, sql: str, **parameters: object) -> object:
        if sql.strip().startswith(moment) and "advisory" not in sql:
            monkeypatch.setattr(Connection, "run", run)
            cellar.as_superuser(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{master}' AND pid <> 0"
            )
        return run(connection, sql, **parameters)

    with cellar.master() as connection, locked(connection):
        monkeypatch.setattr(Connection, "run", run_until)
        with pytest.raises(StatementError, match=r"(?i)apply again"):
            apply(connection, parse_document(cellar.raw))
    assert cellar.as_superuser("SELECT rolname FROM pg_roles WHERE rolname = '{owner}'") == []
    cellar.apply()
    assert cellar.plan().statements == ()


def test_a_role_that_is_declared_no_more_loses_its_access_and_is_named(cellar: Access) -> None:
    cellar.apply()
    cellar.as_superuser(*CONTENTS)
    del cellar.raw["logins"][cellar.role("report")]
    del cellar.raw["roles"][cellar.role("reader")]
    done = cellar.apply()
    assert any(cellar.role("reader") in note and "declared once" in note for note in done.unmanaged)
    with cellar.login("report") as connection, pytest.raises(pg8000.exceptions.DatabaseError, match="42501"):
        connection.run(cellar.filled("SELECT * FROM {schema}.wine"))
