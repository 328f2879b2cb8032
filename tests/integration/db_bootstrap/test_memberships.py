"""Memberships with options, what is passed on, and roles that are there before their document."""

import pytest

from db_bootstrap.errors import UnmanageableError
from tests.support.access import Access

pytestmark = [pytest.mark.database, pytest.mark.each_major(also=15)]


def test_memberships_that_make_a_circle_with_what_is_left_alone_are_refused(cellar: Access) -> None:
    cellar.apply()
    with cellar.master() as master:
        master.run(cellar.filled("GRANT {writer} TO {reader}"))
    cellar.raw["unlisted"] = "report"
    cellar.raw["roles"][cellar.role("writer")]["member_of"] = [cellar.role("reader")]
    (refusal,) = cellar.plan().refusals
    assert "make a circle" in refusal
    assert refusal.endswith(cellar.filled('run one of these: REVOKE "{writer}" FROM "{reader}";'))
    cellar.raw["unlisted"] = "revoke"
    cellar.apply()
    assert cellar.plan().statements == ()


def test_only_roles_that_a_reporting_document_creates_are_marked(cellar: Access) -> None:
    cellar.as_superuser("CREATE ROLE {reader}", "GRANT {reader} TO {master} WITH ADMIN OPTION")
    cellar.raw["unlisted"] = "report"
    cellar.raw["roles"][cellar.role("reader")]["comment"] = "Reads."
    cellar.apply()
    comments = dict(
        cellar.as_superuser(
            "SELECT rolname, shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname LIKE '{database}%'"
        )
    )
    assert comments[cellar.role("reader")] == "Reads."
    assert "Managed by db_bootstrap" in comments[cellar.role("writer")]
    assert cellar.plan().statements == ()


def test_a_login_by_token_needs_the_right_to_give_that(cellar: Access) -> None:
    cellar.as_superuser("REVOKE rds_superuser FROM {master}")
    refused = any("The role 'rds_iam' exists and must change" in reason for reason in cellar.plan().refusals)
    assert refused is (cellar.database.cluster.major >= 16), "before, CREATEROLE is enough"


@pytest.mark.parametrize(
    ("setting", "reason"),
    [("max_connections", "applies to the whole server"), ("log_statement", "is for superusers"), ("work_mem", None)],
)
def test_settings_that_cannot_be_set_are_refused_before_any_change(
    setting: str, reason: str | None, cellar: Access
) -> None:
    cellar.raw["logins"][cellar.role("app")]["settings"] = {setting: "ddl" if setting == "log_statement" else "100000"}
    if setting == "log_statement" and cellar.database.cluster.major < 15:
        reason = None  # RDS may let its master, by means that the catalogs do not show; PostgreSQL has the last word
    refusals = cellar.plan().refusals
    assert len(refusals) == (2 if reason else 0), "one for each login role"
    assert all((reason or "") in refusal for refusal in refusals)
    if setting == "log_statement" and cellar.database.cluster.major >= 15:
        cellar.as_superuser(refusals[0].partition("run: ")[2])
        cellar.apply()
        assert cellar.plan().statements == ()
        cellar.as_superuser("REVOKE SET ON PARAMETER log_statement FROM {master}")


@pytest.mark.parametrize("unlisted", ["revoke", "report"])
def test_limits_that_are_not_declared_stay_and_declared_access_is_effective(unlisted: str, cellar: Access) -> None:
    cellar.raw["unlisted"] = unlisted
    cellar.as_superuser(
        "CREATE ROLE {stranger} LOGIN NOINHERIT CONNECTION LIMIT 2 VALID UNTIL '2020-01-01 00:00Z'",
        "ALTER ROLE {stranger} IN DATABASE {database} SET default_transaction_read_only = on",
        "GRANT {stranger} TO {master} WITH ADMIN OPTION",
    )
    cellar.raw["logins"][cellar.role("stranger")] = {"credential": "external"}
    cellar.apply()
    limits = "SELECT rolinherit, rolconnlimit, rolvaliduntil < now() FROM pg_roles WHERE rolname = '{stranger}'"
    assert cellar.as_superuser(limits) == [[False, 2, True]]
    assert sum(cellar.role("stranger") in note for note in cellar.plan().unmanaged) == 4
    assert cellar.as_superuser("SELECT count(*) FROM pg_db_role_setting WHERE setrole = '{stranger}'::regrole") == [[1]]
    cellar.raw["logins"][cellar.role("stranger")]["member_of"] = [cellar.role("writer")]
    steps = [step for step in cellar.plan().statements if "ALTER ROLE" in step.sql]
    must_inherit = cellar.database.cluster.major < 16
    assert [step.is_destructive for step in steps if "GIVES ACCESS" in step.reason] == [False] * must_inherit
    cellar.apply()
    assert cellar.as_superuser("SELECT pg_has_role('{stranger}', '{writer}', 'USAGE')") == [[True]]
    assert cellar.as_superuser(limits) == [[must_inherit, 2, True]]
    cellar.raw["logins"][cellar.role("stranger")] |= {
        "inherit": False,
        "connection_limit": 1,
        "valid_until": "infinity",
    }
    steps = [step for step in cellar.plan().statements if "ALTER ROLE" in step.sql]
    assert [step.is_destructive for step in steps] == [True, False]
    cellar.apply()
    keeps_option = unlisted == "report" and not must_inherit
    assert cellar.as_superuser("SELECT pg_has_role('{stranger}', '{writer}', 'USAGE')") == [[keeps_option]]
    assert cellar.plan().statements == ()


def test_memberships_in_roles_of_the_server_are_granted_kept_and_revoked_as_declared(cellar: Access) -> None:
    cellar.as_superuser("GRANT pg_monitor, pg_read_all_data TO {master} WITH ADMIN OPTION")
    auditor = cellar.raw["roles"][cellar.role("auditor")] = {"member_of": ["pg_monitor", "pg_read_all_data"]}
    before = cellar.as_superuser("SELECT * FROM pg_roles WHERE starts_with(rolname, 'pg_') ORDER BY 1")
    cellar.apply()
    assert cellar.plan().statements == ()
    auditor["member_of"] = ["pg_monitor"]
    assert [step.is_destructive for step in cellar.plan().statements] == [True]
    cellar.apply()
    groups = "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = '{auditor}'::regrole"
    assert cellar.as_superuser(groups) == [["pg_monitor"]]
    assert cellar.as_superuser("SELECT * FROM pg_roles WHERE starts_with(rolname, 'pg_') ORDER BY 1") == before
    auditor["member_of"] = ["rds_nonesuch"]
    with pytest.raises(UnmanageableError, match="names the role 'rds_nonesuch', and this server has none"):
        cellar.apply()
