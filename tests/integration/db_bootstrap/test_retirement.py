"""The end of roles: what they own, what they may, their sessions, in every database of the server."""

import contextlib
import re
import signal
from pathlib import Path

import pg8000.exceptions
import pytest

from db_bootstrap.apply import ReviewedPlan, apply, locked
from db_bootstrap.document import parse_document
from db_bootstrap.errors import StatementError, UnexpectedPlanError, UnmanageableError
from db_bootstrap.plan import digest_for, make_plan
from tests.support.access import Access
from tests.support.interrupted_apply import applies

pytestmark = [pytest.mark.database, pytest.mark.each_major(also=15)]

# The possessions of a retired role: in the document's database and in another one.
HERE = (
    "GRANT {stranger} TO {master} WITH ADMIN OPTION",
    "GRANT {stranger} TO {reader}",
    "GRANT {writer} TO {stranger}",
    "CREATE SCHEMA attic AUTHORIZATION {stranger}",
    "CREATE TABLE attic.chest (id int)",
    "ALTER TABLE attic.chest OWNER TO {stranger}",
    "CREATE TABLE {schema}.wine (id int)",
    "ALTER TABLE {schema}.wine OWNER TO {stranger}",
    "CREATE FUNCTION {schema}.twice(a int) RETURNS int LANGUAGE sql AS 'SELECT 2 * a'",
    "ALTER FUNCTION {schema}.twice OWNER TO {stranger}",
    "CREATE TABLE {schema}.cask (id int)",
    "ALTER TABLE {schema}.cask OWNER TO {owner}",
    "GRANT SELECT ON {schema}.cask TO {stranger} WITH GRANT OPTION",
    "GRANT UPDATE (id) ON {schema}.cask TO {stranger}",
    "SET ROLE {stranger}; GRANT SELECT ON {schema}.cask TO {reader}",
    "GRANT CONNECT ON DATABASE {database} TO {stranger}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {stranger} GRANT SELECT ON TABLES TO PUBLIC",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT INSERT ON TABLES TO {stranger}",
    "ALTER ROLE {stranger} SET work_mem TO '9MB'",
)
THERE = (
    "CREATE SCHEMA loft AUTHORIZATION {stranger}",
    "CREATE TABLE loft.trunk (id int)",
    "ALTER TABLE loft.trunk OWNER TO {stranger}",
    "CREATE TABLE public.shelf (id int)",
    "ALTER TABLE public.shelf OWNER TO {master}",
    "GRANT SELECT ON public.shelf TO {stranger}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {stranger} GRANT SELECT ON TABLES TO PUBLIC",
)


def leave(cellar: Access, elsewhere: Access | None = None) -> None:
    """The state in which a person leaves."""
    cellar.apply()
    cellar.as_superuser("CREATE ROLE {stranger} LOGIN", *HERE)
    if elsewhere:
        elsewhere.as_superuser(*THERE)


def exists(cellar: Access) -> bool:
    return bool(cellar.as_superuser("SELECT FROM pg_roles WHERE rolname = '{stranger}'"))


def retire(cellar: Access, **retirement: object) -> None:
    cellar.raw["retired"] = {cellar.role("stranger"): retirement}


def owner_of(cellar: Access, table: str) -> str | None:
    rows = cellar.as_superuser(
        f"SELECT pg_get_userbyid(relowner)::text FROM pg_class WHERE oid = to_regclass('{table}')"
    )
    return rows[0][0].removeprefix(cellar.role("")) if rows else None


def test_what_it_owns_goes_to_its_heir_in_every_database(cellar: Access, elsewhere: Access) -> None:
    leave(cellar, elsewhere)
    retire(cellar, reassign_to=cellar.role("owner"))
    done = cellar.apply()
    assert not exists(cellar)
    assert {owner_of(cellar, f"{cellar.schema}.wine"), owner_of(cellar, "attic.chest")} == {"owner"}
    assert owner_of(elsewhere, "loft.trunk") == "owner"
    databases = [step.database for step in done.statements]
    assert databases == sorted(databases, key=lambda name: name is None), "other databases come first"
    assert set(databases) == {elsewhere.endpoint.database, None}
    assert cellar.plan().statements == ()
    may = "has_table_privilege('{reader}', '{schema}.cask', 'SELECT')"
    assert cellar.as_superuser(f"SELECT {may}") == [[True]], "what it had passed on, and is declared"
    create = "has_schema_privilege('{writer}', '{schema}', 'CREATE')"
    assert cellar.as_superuser(f"SELECT {create}") == [[False]], "nothing that was borrowed stays"


# Statements that create an object of each kind, and its name; tables, schemas and functions are above.
OWNED = {
    "COLLATION {schema}.c": '{} FROM "C"',
    "CONVERSION {schema}.c": "{} FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
    "OPERATOR {schema}.=== (int, int)": "CREATE OPERATOR {schema}.==="
    " (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)",
    "OPERATOR FAMILY {schema}.f USING hash": "{}",
    "OPERATOR CLASS {schema}.k USING hash": "CREATE OPERATOR CLASS {schema}.k FOR TYPE int USING hash"
    " FAMILY {schema}.f AS FUNCTION 1 hashint4(int)",
    "TEXT SEARCH DICTIONARY {schema}.d": "{} (TEMPLATE = simple)",
    "TEXT SEARCH CONFIGURATION {schema}.c": "{} (PARSER = default)",
    "STATISTICS {schema}.s": "{} ON oid, relname FROM {schema}.pair",
    "AGGREGATE {schema}.total(int)": "{} (SFUNC = int4pl, STYPE = int)",
    "DOMAIN {schema}.d": "{} AS int",
    "TYPE {schema}.e": "{} AS ENUM ('a')",
    "VIEW {schema}.v": "{} AS SELECT 1 AS id",
    "SEQUENCE {schema}.n": "{}",
    "PUBLICATION p": "{} FOR TABLE {schema}.pair",
    "SERVER s": "{} FOREIGN DATA WRAPPER w",
    "LARGE OBJECT 4711": "SELECT lo_create(4711)",
}


def test_an_object_of_every_kind_goes_to_the_successor(cellar: Access) -> None:
    cellar.apply()
    cellar.as_superuser(
        "CREATE ROLE {stranger}",
        "GRANT {stranger} TO {master} WITH ADMIN OPTION",
        "CREATE FOREIGN DATA WRAPPER w",
        "GRANT USAGE ON FOREIGN DATA WRAPPER w TO {owner}",
        "CREATE TABLE {schema}.pair AS SELECT oid, relname FROM pg_class LIMIT 0",
    )
    for name, made in OWNED.items():
        create = made if made.startswith(("CREATE", "SELECT")) else made.replace("{}", f"CREATE {name}")
        cellar.as_superuser(create, f"ALTER {name} OWNER TO {{stranger}}")
    before = cellar.as_superuser("SELECT datacl::text FROM pg_database WHERE datname = '{database}'")
    retire(cellar, reassign_to=cellar.role("owner"))
    planned = cellar.plan().statements
    assert [step.reason for step in planned if "CAN THEN RUN CODE" in step.reason]
    cellar.apply()
    assert not exists(cellar)
    owned = "SELECT count(*) FROM pg_shdepend WHERE refobjid = '{owner}'::regrole AND deptype = 'o'"
    assert cellar.as_superuser(owned)[0][0] > len(OWNED)
    assert cellar.as_superuser("SELECT datacl::text FROM pg_database WHERE datname = '{database}'") == before
    assert cellar.plan().statements == ()
    cellar.as_superuser("DROP FOREIGN DATA WRAPPER w CASCADE")


GRANTED = {
    "SCHEMA {schema}": "USAGE",
    "TABLE {schema}.cask": "SELECT",
    'TABLE {schema}."odd, ""name"': "INSERT (id)",
    "SEQUENCE {schema}.n": "USAGE",
    "FUNCTION {schema}.twice(int)": "EXECUTE",
    "TYPE {schema}.e": "USAGE",
    "DATABASE {database}": "CREATE",
    "LARGE OBJECT 4712": "SELECT",
}


def test_privileges_that_another_than_the_owner_granted_are_revoked_as_the_grantor(cellar: Access) -> None:
    cellar.apply()
    cellar.as_superuser(
        "CREATE ROLE {stranger}",
        "CREATE ROLE {auditor}",
        "GRANT {stranger}, {auditor} TO {master} WITH ADMIN OPTION",
        'CREATE TABLE {schema}.cask (id int); CREATE TABLE {schema}."odd, ""name" (id int)',
        "CREATE SEQUENCE {schema}.n; CREATE TYPE {schema}.e AS ENUM ('a'); SELECT lo_create(4712)",
        "CREATE FUNCTION {schema}.twice(a int) RETURNS int LANGUAGE sql AS 'SELECT 2 * a'",
        'ALTER TABLE {schema}.cask OWNER TO {owner}; ALTER TABLE {schema}."odd, ""name" OWNER TO {owner}',
        "ALTER SEQUENCE {schema}.n OWNER TO {owner}; ALTER TYPE {schema}.e OWNER TO {owner}",
        "ALTER FUNCTION {schema}.twice OWNER TO {owner}; ALTER LARGE OBJECT 4712 OWNER TO {owner}",
    )
    cellar.raw["unlisted"] = "report"
    for on, privilege in GRANTED.items():
        cellar.as_superuser(f"GRANT {privilege} ON {on} TO {{auditor}} WITH GRANT OPTION")
        cellar.as_superuser(f"SET SESSION AUTHORIZATION {{auditor}}; GRANT {privilege} ON {on} TO {{stranger}}")
    retire(cellar)
    cellar.apply()
    assert not exists(cellar)
    assert cellar.plan().statements == ()
    assert cellar.as_superuser("SELECT has_table_privilege('{auditor}', '{schema}.cask', 'SELECT')") == [[True]]


@pytest.mark.parametrize("privileges", ["USAGE", "ALL"])
def test_grants_of_the_master_are_not_those_of_a_retired_role_that_could_grant_the_same(
    privileges: str, cellar: Access
) -> None:
    with cellar.master() as master:
        master.run(cellar.filled("CREATE ROLE {stranger}"))
    cellar.as_superuser(
        "CREATE SCHEMA {schema} AUTHORIZATION {master}",
        f"GRANT {privileges} ON SCHEMA {{schema}} TO {{stranger}} WITH GRANT OPTION",
    )
    retire(cellar)
    cellar.apply()
    assert not exists(cellar)
    assert cellar.plan().statements == ()


def test_what_it_owns_is_dropped_in_every_database(cellar: Access, elsewhere: Access) -> None:
    leave(cellar, elsewhere)
    retire(cellar, drop_owned=True)
    loud = [step for step in cellar.plan().statements if "DROPPED, DATA INCLUDED" in step.reason]
    assert [step.database for step in loud] == [elsewhere.endpoint.database, None]
    assert all(step.is_destructive for step in loud)
    cellar.apply()
    assert not exists(cellar)
    assert owner_of(cellar, f"{cellar.schema}.wine") is owner_of(cellar, "attic.chest") is None
    assert owner_of(elsewhere, "loft.trunk") is None
    assert owner_of(elsewhere, "public.shelf") == "master"
    assert cellar.plan().statements == ()


def test_a_role_that_owns_something_and_has_no_heir_is_refused_with_a_count_by_database(
    cellar: Access, elsewhere: Access
) -> None:
    leave(cellar, elsewhere)
    retire(cellar)
    here, there = cellar.endpoint.database, elsewhere.endpoint.database
    with pytest.raises(UnmanageableError) as refused:
        cellar.apply()
    assert f"the role owns 4 object(s) in '{here}', 2 object(s) in '{there}'; say who gets them" in str(refused.value)
    assert exists(cellar)


def test_sessions_are_a_reason_to_refuse_unless_they_shall_be_ended(cellar: Access) -> None:
    cellar.apply()
    cellar.as_superuser("CREATE ROLE {stranger} LOGIN", "GRANT {stranger} TO {master} WITH ADMIN OPTION")
    cellar.as_superuser("GRANT CONNECT ON DATABASE {database} TO {stranger}")
    retire(cellar)
    cellar.database.cluster.set_password(cellar.role("stranger"), "an example")
    session = contextlib.ExitStack()
    session.enter_context(cellar.database.connect(cellar.role("stranger"), "an example"))
    run_as_master(cellar, *cellar.plan().refusals)
    assert cellar.plan().refusals == ()
    session.enter_context(cellar.database.connect(cellar.role("stranger"), "an example"))
    retire(cellar, terminate_sessions=True)
    planned = cellar.plan().statements
    cellar.apply()
    assert cellar.as_superuser("SELECT FROM pg_stat_activity WHERE usename = '{stranger}'") == []
    with contextlib.suppress(pg8000.exceptions.Error, OSError):  # the server is gone
        session.close()
    assert any("pg_terminate_backend" in step.sql and step.is_destructive for step in planned)
    assert not exists(cellar)


GONE = "DELETE FROM pg_shdepend WHERE refobjid = '{auditor}'::regrole; DROP ROLE {auditor}"


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        pytest.param("ALTER ROLE {stranger} SUPERUSER", "the role is a superuser", id="a superuser"),
        pytest.param(
            "REVOKE {stranger}, rds_superuser FROM {master}", "cannot administer it", id="a role of another owner"
        ),
        pytest.param(
            "CREATE TABLE public.theirs (id int); GRANT SELECT ON public.theirs TO {stranger}",
            "it has privileges on what belongs to 'rdsadmin', which",
            id="a grant that the master cannot take back",
        ),
        pytest.param(
            "CREATE ROLE {auditor}; GRANT {auditor} TO {master} WITH ADMIN OPTION; "
            "CREATE TABLE {schema}.cask (id int); ALTER TABLE {schema}.cask OWNER TO {auditor}; "
            "GRANT SELECT ON {schema}.cask TO {reader} WITH GRANT OPTION; "
            "SET ROLE {reader}|GRANT SELECT ON {schema}.cask TO {stranger}; GRANT {auditor} TO {reader}",
            "can no longer revoke what",
            id="a grantor that has become a member of the owner",
        ),
        pytest.param(
            "CREATE ROLE {auditor}; GRANT {auditor} TO {master} WITH ADMIN OPTION; "
            "CREATE TABLE {schema}.cask (id int); ALTER TABLE {schema}.cask OWNER TO {owner}; "
            "GRANT SELECT ON {schema}.cask TO {auditor} WITH GRANT OPTION; "
            "GRANT USAGE ON SCHEMA {schema} TO {auditor}; SET ROLE {auditor}|"
            "GRANT SELECT ON {schema}.cask TO {stranger}; REVOKE USAGE ON SCHEMA {schema} FROM {auditor}",
            "can no longer revoke what .* run: GRANT USAGE ON SCHEMA",
            id="a grantor that can no longer use the schema",
        ),
        pytest.param(
            "CREATE ROLE {auditor}; CREATE TABLE {schema}.cask (id int); ALTER TABLE {schema}.cask OWNER TO {auditor}; "
            "GRANT SELECT ON {schema}.cask TO {stranger}; " + GONE,
            r"it has privileges on what belongs to 'unknown \(OID=\d+\)', .*; no customer of RDS can",
            id="an owner that was dropped",
        ),
        pytest.param(
            "CREATE ROLE {auditor}; CREATE TABLE {schema}.cask (id int); GRANT USAGE ON SCHEMA {schema} TO {auditor}; "
            "GRANT SELECT ON {schema}.cask TO {auditor} WITH GRANT OPTION; SET ROLE {auditor}|GRANT SELECT ON "
            "{schema}.cask TO {stranger}; ALTER TABLE {schema}.cask OWNER TO {owner}; " + GONE,
            r"it has privileges by 'unknown \(OID=\d+\)', .*; no customer of RDS can",
            id="a grantor that was dropped",
        ),
    ],
)
def test_an_impossible_retirement_is_refused_before_any_change(before: str, reason: str, cellar: Access) -> None:
    cellar.apply()
    cellar.as_superuser("CREATE ROLE {stranger}", "GRANT {stranger} TO {master} WITH ADMIN OPTION")
    cellar.as_superuser(*(statement.replace("|", "; ") for statement in before.split("; ")))
    retire(cellar, drop_owned=True)
    if "administer" in reason and cellar.database.cluster.major < 16:
        return  # CREATEROLE administers every role there
    with pytest.raises(UnmanageableError, match=reason) as refused:
        cellar.apply()
    assert exists(cellar)
    if remedy := re.search("can no longer revoke .*; run: (.*)", str(refused.value)):
        cellar.as_superuser(remedy[1])
        cellar.apply()


SUPERUSERS = "ALTER ROLE {{stranger}} SUPERUSER; ALTER {0} OWNER TO {{stranger}}; ALTER ROLE {{stranger}} NOSUPERUSER"


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        pytest.param(
            "CREATE FUNCTION {schema}.door(q text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN END'; "
            "ALTER FUNCTION {schema}.door OWNER TO {stranger}",
            r"TO CURRENT_USER; ALTER ROUTINE cellar.door\(pg_catalog.text\) SECURITY INVOKER;",
            id="a routine that would run with the rights of the successor",
        ),
        pytest.param(
            "CREATE PUBLICATION everything FOR ALL TABLES; " + SUPERUSERS.format("PUBLICATION everything"),
            "owns the publication everything, and PostgreSQL does not let",
            id="a publication of all tables",
        ),
        pytest.param(
            "CREATE FUNCTION public.fire() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; "
            "CREATE EVENT TRIGGER fire ON ddl_command_end EXECUTE FUNCTION public.fire(); "
            + SUPERUSERS.format("EVENT TRIGGER fire"),
            "owns the event trigger fire, and PostgreSQL does not let",
            id="an event trigger",
        ),
        pytest.param(
            'CREATE FOREIGN DATA WRAPPER "odd w"; ' + SUPERUSERS.format('FOREIGN DATA WRAPPER "odd w"'),
            'owns the foreign data wrapper "odd w", and PostgreSQL does not let',
            id="a foreign-data wrapper",
        ),
        pytest.param(
            "CREATE SUBSCRIPTION s CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE); "
            + SUPERUSERS.format("SUBSCRIPTION s"),
            "owns the subscription s, and PostgreSQL does not let",
            id="a subscription",
        ),
        pytest.param(
            "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; "
            "GRANT USAGE ON FOREIGN DATA WRAPPER w TO {stranger}; ALTER SERVER s OWNER TO {stranger}; "
            "REVOKE USAGE ON FOREIGN DATA WRAPPER w FROM {stranger}",
            "owns the server s, and PostgreSQL does not let",
            id="a server of a wrapper that the successor cannot use",
        ),
    ],
)
def test_what_a_successor_must_not_or_cannot_get_is_refused_by_name(made: str, reason: str, cellar: Access) -> None:
    cellar.apply()
    cellar.as_superuser("CREATE ROLE {stranger}", "GRANT {stranger} TO {master} WITH ADMIN OPTION", *made.split("; "))
    retire(cellar, reassign_to=cellar.role("owner"))
    if "subscription" in reason and cellar.database.cluster.major >= 16:
        cellar.apply()  # from there on it can belong to others than superusers
        cellar.as_superuser("DROP SUBSCRIPTION s")
        return
    (refusal,) = cellar.plan().refusals
    assert re.search(reason, refusal)
    run_as_master(cellar, refusal)
    cellar.apply()
    assert not exists(cellar)


def run_as_master(cellar: Access, refusal: str) -> None:
    """Run the statements that a refusal suggests."""
    with cellar.master() as master:
        for statement in re.findall(r"(?:GRANT|SET|ROLLBACK|SELECT|DROP|ALTER) [^;]*;", refusal):
            master.run(statement)


def test_a_database_is_not_dropped_with_its_owner_but_passed_on_by_the_suggested_statements(
    cellar: Access, elsewhere: Access
) -> None:
    cellar.apply()
    cellar.as_superuser("CREATE ROLE {stranger}", "GRANT {stranger} TO {master} WITH ADMIN OPTION")
    elsewhere.as_superuser("ALTER DATABASE {database} OWNER TO {stranger}")
    retire(cellar, drop_owned=True)
    run_as_master(cellar, *cellar.plan().refusals)
    cellar.apply()
    assert not exists(cellar)


def test_a_prepared_transaction_stops_a_retirement_until_the_suggested_statements_ran(cellar: Access) -> None:
    """Once the role is dropped, only a superuser could end it, and RDS has none for its customers."""
    cellar.apply()
    with cellar.master() as master:
        master.run(cellar.filled("CREATE ROLE {stranger}"))
    cellar.as_superuser("SET SESSION AUTHORIZATION {stranger}; BEGIN; PREPARE TRANSACTION '{database}'")
    retire(cellar)
    run_as_master(cellar, *cellar.plan().refusals)
    cellar.apply()
    assert not exists(cellar)


def test_a_database_that_cannot_be_inspected_is_reported(cellar: Access, elsewhere: Access) -> None:
    leave(cellar, elsewhere)
    retire(cellar, drop_owned=True)
    elsewhere.as_superuser("REVOKE CONNECT ON DATABASE {database} FROM PUBLIC, {master}")
    try:
        with pytest.raises(UnmanageableError, match=r"which could not be read. The database at"):
            cellar.apply()
    finally:
        elsewhere.as_superuser("GRANT CONNECT ON DATABASE {database} TO {master}")
    with cellar.master() as connection:
        unread = make_plan(connection, parse_document(cellar.raw))
    assert any("There is no way to connect to it from here" in reason for reason in unread.refusals)


def test_objects_that_depend_on_its_objects_stop_the_retirement_without_changes(cellar: Access) -> None:
    leave(cellar)
    cellar.as_superuser("CREATE VIEW public.glass AS SELECT id FROM {schema}.wine")
    retire(cellar, drop_owned=True)
    with pytest.raises(StatementError, match="2BP01"):
        cellar.apply()
    assert owner_of(cellar, "attic.chest") == "stranger"


def test_killed_before_any_statement_the_next_run_does_what_is_left(
    cellar: Access, elsewhere: Access, tmp_path: Path
) -> None:
    leave(cellar, elsewhere)
    retire(cellar, reassign_to=cellar.role("owner"), terminate_sessions=True)
    planned = {step.sql for step in cellar.plan().statements}
    killed_at: list[str] = []
    with applies(cellar, tmp_path) as attempt:
        for let_through in range(300):
            about_to_run, exit_code = attempt(let_through)
            if exit_code == 0:
                break
            assert exit_code == -signal.SIGKILL
            killed_at.append(about_to_run)
            assert exists(cellar) or about_to_run.startswith("SELECT pg_advisory_unlock")
    assert exit_code == 0
    assert any(statement.startswith("REASSIGN") for statement in killed_at)
    assert planned & set(killed_at)
    assert not exists(cellar)
    assert cellar.plan().statements == ()
    borrowed = (
        "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = '{master}'::regrole"
        " AND roleid::regrole::text LIKE '{database}%' AND grantor = '{master}'::regrole"
    )
    assert cellar.as_superuser(borrowed) == []


def test_a_review_is_bound_to_the_databases_too(cellar: Access, elsewhere: Access) -> None:
    leave(cellar, elsewhere)
    retire(cellar, reassign_to=cellar.role("owner"))
    document = parse_document(cellar.raw)
    with cellar.master() as connection, locked(connection):
        planned = make_plan(connection, document, cellar.elsewhere)
        digest = digest_for(connection, "a.example", planned)
        elsewhere.as_superuser("DROP OWNED BY {stranger}")
        with pytest.raises(UnexpectedPlanError):
            apply(connection, document, ReviewedPlan("a.example", digest), cellar.elsewhere)
    assert exists(cellar)
