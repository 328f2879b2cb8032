"""A login with CREATE on the database leaves code where sessions of others would find it; none of them runs it."""

import pytest

from db_bootstrap.credentials.initial import set_password
from db_bootstrap.credentials.verify import verify_credential
from db_bootstrap.model import Credential
from tests.support.access import Access

pytestmark = [pytest.mark.database, pytest.mark.each_major]

# Functions and operators that fit better than those of pg_catalog, or precede them in the settings below.
FUNCTIONS = (
    "current_database() RETURNS name",
    "current_setting(text) RETURNS text",
    "pg_get_userbyid(oid) RETURNS name",
    "pg_has_role(oid, text) RETURNS boolean",
    "pg_advisory_lock(bigint) RETURNS void",
    "has_table_privilege(oid, text) RETURNS boolean",
    "format_type(oid, integer) RETURNS text",
    *(f"trap({arguments}) RETURNS boolean IMMUTABLE" for arguments in ("name, name", "oid, oid", "text, text", "int")),
)
SHADOWS = (
    *(f"CREATE FUNCTION evil.{name} LANGUAGE plpgsql AS 'BEGIN RAISE ''trap: {name}''; END'" for name in FUNCTIONS),
    *(
        f"CREATE OPERATOR evil.{operator} (FUNCTION = evil.trap, LEFTARG = {argument}, RIGHTARG = {argument})"
        for operator in ("=", "<>", "||")
        for argument in ("name", "oid", "text")
    ),
    # Planning a query of this table runs the code of its policy and of its index.
    "CREATE TABLE evil.bait (id integer)",
    "CREATE INDEX ON evil.bait ((evil.trap(id)))",
    "ALTER TABLE evil.bait ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY trap ON evil.bait USING (evil.trap(1))",
    "GRANT USAGE ON SCHEMA evil TO PUBLIC",
    "GRANT SELECT ON evil.bait TO PUBLIC",
    # A cast of eve's own type, which nothing of ours uses.
    "CREATE TYPE evil.text AS (value integer)",
)


@pytest.fixture
def trapped(cellar: Access) -> Access:
    cellar.apply()
    eve = cellar.role("stranger")
    cellar.as_superuser(f"CREATE ROLE {eve} LOGIN", f"GRANT CREATE, CONNECT ON DATABASE {{database}} TO {eve}")
    with cellar.login("stranger") as session:
        session.run("CREATE SCHEMA evil")
        for statement in SHADOWS:
            session.run(statement)
    for role in ("{master}", "{app_a}", "{app_b}"):
        cellar.as_superuser(f"ALTER ROLE {role} SET search_path = evil, pg_catalog")
    if cellar.database.cluster.major >= 17:  # which has triggers for logins; only a superuser makes one
        cellar.as_superuser(
            "CREATE FUNCTION public.log_in() RETURNS event_trigger LANGUAGE plpgsql"
            " AS 'BEGIN PERFORM current_database(); END'",
            "CREATE EVENT TRIGGER logins ON login EXECUTE FUNCTION public.log_in()",
            "ALTER EVENT TRIGGER logins ENABLE ALWAYS",
        )
    return cellar


def test_the_trap_catches_a_session_that_does_not_pin_its_search_path(trapped: Access) -> None:
    with pytest.raises(Exception, match="trap: "), trapped.login("app_a") as session:
        session.run("SELECT current_database()")


def test_sessions_of_the_engine_run_no_code_of_another_role(trapped: Access) -> None:
    trapped.raw["logins"][trapped.role("app")]["connection_limit"] = 6
    assert trapped.plan().statements
    trapped.apply()
    assert trapped.plan().statements == ()


@pytest.mark.parametrize("has_setting", [True, False])
def test_the_verification_of_a_credential_runs_no_code_of_another_role(has_setting: bool, trapped: Access) -> None:
    """With the only table that the login can read being the bait."""
    if not has_setting:
        trapped.as_superuser("ALTER ROLE {app_a} RESET search_path")
    credential = Credential(trapped.role("app_a"), "x" * 20)
    with trapped.master() as master:
        set_password(master, credential)
    assert verify_credential(trapped.endpoint, trapped.role("app"), credential) == ("evil", "bait")
