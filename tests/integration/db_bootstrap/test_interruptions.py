"""An apply whose process is killed, before each of its statements in turn."""

import signal
from pathlib import Path

import pytest

from tests.support.access import Access
from tests.support.interrupted_apply import applies

pytestmark = [pytest.mark.database, pytest.mark.each_major]

# Differences from the document before each attempt: some to take away, some to give, some to make.
DRIFT = (
    "ALTER ROLE {app_a} CREATEDB",
    "DROP OWNED BY {report}",
    "DROP ROLE {report}",
    "GRANT CREATE ON SCHEMA {schema} TO {writer}",
    "ALTER ROLE {app_b} RESET statement_timeout",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT ON TABLES TO PUBLIC",
    "CREATE TABLE {schema}.wine (id int)",
    "ALTER TABLE {schema}.wine OWNER TO {owner}",
    "GRANT TRUNCATE ON {schema}.wine TO {writer}",
    "REVOKE SELECT ON {schema}.wine FROM {reader}",
)


def state(cellar: Access) -> list[object]:
    """Everything that an apply changes, as the catalogs have it."""
    queries = (
        "SELECT r::text FROM pg_roles r WHERE rolname LIKE '{database}%' ORDER BY 1",
        "SELECT m::text FROM pg_auth_members m ORDER BY 1",
        "SELECT d::text FROM pg_shdescription d ORDER BY 1",
        "SELECT nspname::text, nspowner::text, nspacl::text FROM pg_namespace ORDER BY 1",
        "SELECT d::text FROM pg_default_acl d ORDER BY 1",
        "SELECT relname::text, relacl::text FROM pg_class WHERE relname = 'wine'",
        "SELECT s::text FROM pg_db_role_setting s ORDER BY 1",
        "SELECT datacl::text FROM pg_database WHERE datname = '{database}'",
    )
    with cellar.database.cluster.connect_as_superuser(cellar.database.name) as superuser:
        return [superuser.run(cellar.filled(query)) for query in queries]


def test_killed_before_any_statement_it_leaves_what_was_or_what_shall_be(cellar: Access, tmp_path: Path) -> None:
    cellar.apply()
    cellar.as_superuser(*DRIFT)
    before, planned = state(cellar), cellar.plan().statements
    assert len(planned) >= 10
    killed_at = []
    with applies(cellar, tmp_path) as attempt:
        for let_through in range(200):
            about_to_run, exit_code = attempt(let_through)
            if exit_code == 0:
                break
            assert exit_code == -signal.SIGKILL
            killed_at.append(about_to_run)
            if about_to_run.startswith("SELECT pg_advisory_unlock"):
                assert cellar.plan().statements == (), "killed after its commit"
            else:
                assert state(cellar) == before, f"killed before {about_to_run}"
    assert {statement.sql for statement in planned} <= set(killed_at)
    assert "COMMIT" in killed_at
    assert exit_code == 0, "the last attempt came to its end"
    assert cellar.plan().statements == ()
