"""Apply, revocation, rotation and IAM logins under each variant of RDS's rules for roles."""

import secrets
from collections.abc import Iterator

import pg8000.exceptions
import pytest

from db_bootstrap.errors import NotConvergedError, StatementError
from devtools.postgres.binaries import Binaries
from devtools.postgres.cluster import Cluster
from devtools.postgres.role_patch import RolePatch
from tests.support.access import Access
from tests.support.database import Database, running_cluster
from tests.support.rotation import RotatedLogins, SecretsManager

pytestmark = [pytest.mark.database, pytest.mark.aws("RDS-2", "RDS-3", "RDS-4")]

TOKEN = "a token that IAM signed"

# The grantors of the master's grants, and the ADMIN OPTION that it has on a role that it created.
RECORDED = {
    RolePatch.DOCUMENTED: ("{master}", True),
    RolePatch.GRANTS_AS_RDSADMIN: ("rdsadmin", True),
    RolePatch.ROLES_AS_RDSADMIN: ("rdsadmin", False),
}


@pytest.fixture(scope="module", params=list(RolePatch))
def patch(request: pytest.FixtureRequest) -> RolePatch:
    variant: RolePatch = request.param
    return variant


@pytest.fixture(scope="module")
def rds(patch: RolePatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    def refusal(_user: str, token: str) -> str | None:
        return None if token == TOKEN else "another token"

    directory = tmp_path_factory.mktemp("rds")
    with running_cluster(Binaries.find(), directory, role_patch=patch, token_refusal=refusal) as cluster:
        yield cluster


@pytest.fixture
def cellar(rds: Cluster) -> Iterator[Access]:
    database = Database(rds, f"test_{secrets.token_hex(4)}")
    yield Access(database)
    database.drop()


def is_member(cellar: Access, member: str, role: str) -> bool:
    rows = cellar.as_superuser(f"SELECT pg_has_role('{{{member}}}', '{role}', 'MEMBER')")
    return bool(rows[0][0])


def test_memberships_have_the_grantor_and_the_admin_option_of_the_variant(cellar: Access, patch: RolePatch) -> None:
    grantor, administers = RECORDED[patch]
    cellar.apply()
    rows = cellar.as_superuser(
        "SELECT DISTINCT grantor::regrole::text FROM pg_auth_members"
        " WHERE member = '{app_a}'::regrole OR roleid = '{reader}'::regrole AND member <> '{master}'::regrole"
    )
    assert rows == [[cellar.filled(grantor)]]
    rights = (
        "pg_has_role('{master}', '{owner}', '{right} WITH ADMIN OPTION'), pg_has_role('{master}', '{owner}', 'SET')"
    )
    assert cellar.as_superuser(f"SELECT {rights.replace('{right}', 'MEMBER')}") == [[administers, False]]
    assert cellar.as_superuser("SELECT pg_has_role('{master}', 'rds_iam', 'MEMBER WITH ADMIN OPTION')") == [[False]]


def test_a_second_apply_is_empty_and_a_later_one_changes_roles_schemas_and_settings(cellar: Access) -> None:
    assert cellar.apply().statements
    assert cellar.apply().statements == ()
    app = cellar.raw["logins"][cellar.role("app")]
    app.update(connection_limit=7, settings={"statement_timeout": "9s"})
    cellar.raw["roles"][cellar.role("reader")]["comment"] = "Reads."
    cellar.raw["schemas"]["second"] = {"owner": cellar.role("owner")}
    cellar.apply()
    assert cellar.apply().statements == ()


def test_access_taken_out_of_the_document_is_revoked_and_a_retired_role_is_dropped(cellar: Access) -> None:
    cellar.apply()
    cellar.raw["logins"][cellar.role("app")]["member_of"] = [cellar.role("reader")]
    del cellar.raw["logins"][cellar.role("report")]
    cellar.apply()
    assert not is_member(cellar, "app_a", "{writer}")
    assert is_member(cellar, "app_a", "{reader}")
    assert not is_member(cellar, "report", "{reader}")
    assert not is_member(cellar, "report", "rds_iam")
    assert cellar.plan().statements == ()
    cellar.raw["retired"] = {cellar.role("report"): {}}
    cellar.apply()
    assert cellar.as_superuser("SELECT FROM pg_roles WHERE rolname = '{report}'") == []


@pytest.mark.parametrize("patch", [RolePatch.ROLES_AS_RDSADMIN], indirect=True)
@pytest.mark.parametrize("is_administered", [True, False])
def test_a_master_that_alters_a_role_keeps_its_membership_and_its_grants(is_administered: bool, cellar: Access) -> None:
    cellar.as_superuser("CREATE ROLE {stranger}", f"GRANT {{stranger}} TO {{master}} WITH ADMIN {is_administered}")
    if is_administered:
        cellar.as_superuser("CREATE ROLE {auditor}", "GRANT {stranger} TO {auditor} GRANTED BY {master}")
    memberships = "SELECT member, grantor, admin_option FROM pg_auth_members WHERE roleid = '{stranger}'::regrole"
    before = cellar.as_superuser(memberships)
    with cellar.master() as master:
        master.run(cellar.filled("ALTER ROLE {stranger} NOINHERIT"))
    assert cellar.as_superuser(memberships) == before


@pytest.mark.parametrize("grantors", [["rdsadmin"], ["{master}"], ["rdsadmin", "{master}"]])
def test_a_membership_by_hand_is_revoked_or_fails_the_apply_with_a_remedy(
    grantors: list[str], cellar: Access, patch: RolePatch
) -> None:
    cellar.apply()
    cellar.as_superuser("GRANT {owner} TO {master} WITH ADMIN OPTION")  # a grantor needs it
    cellar.as_superuser(*(f"GRANT {{owner}} TO {{app_a}} GRANTED BY {grantor}" for grantor in grantors))
    assert any("REVOKE" in step.sql for step in cellar.plan().statements)
    if patch is RolePatch.DOCUMENTED and "rdsadmin" in grantors:
        with pytest.raises(NotConvergedError, match=r"Drop the role '\w+_app_a'.*then apply again"):
            cellar.apply()
        with cellar.master() as master:
            master.run(cellar.filled("DROP ROLE {app_a}"))
    cellar.apply()
    assert not is_member(cellar, "app_a", "{owner}")
    assert cellar.apply().statements == ()


def test_a_role_of_another_creator_is_left_to_the_server_which_refuses_with_a_remedy(
    cellar: Access, patch: RolePatch
) -> None:
    cellar.as_superuser("CREATE ROLE {reader}")
    assert cellar.plan().refusals == ()
    if patch is RolePatch.ROLES_AS_RDSADMIN:
        cellar.apply()
        assert cellar.plan().statements == ()
        return
    with pytest.raises(StatementError, match="choose another name") as refused:
        cellar.apply()
    assert refused.value.sqlstate == "42501"
    assert "no customer can act as rdsadmin" in str(refused.value)
    assert cellar.as_superuser("SELECT FROM pg_roles WHERE rolname = '{owner}'") == [], "nothing was changed"


def test_a_rotation_alternates_and_repairs_the_memberships_of_the_alternate_login(
    cellar: Access, manager: SecretsManager
) -> None:
    logins = RotatedLogins(cellar, manager)
    with cellar.master() as master:
        master.run(cellar.filled("GRANT {owner} TO {app_b}"))
        master.run(cellar.filled("REVOKE {app} FROM {app_b}"))
    logins.rotate()
    assert logins.serving() == cellar.role("app_b")
    assert not is_member(cellar, "app_b", "{owner}")
    logins.rotate()
    assert logins.serving() == cellar.role("app_a")
    assert cellar.plan().statements == ()


def test_an_iam_login_needs_a_token_and_the_master_logs_in_with_its_password(cellar: Access) -> None:
    cellar.apply()
    with cellar.database.connect(cellar.role("report"), TOKEN) as session:
        assert session.run("SELECT session_user::text") == [[cellar.role("report")]]
    refused = pytest.raises(pg8000.exceptions.DatabaseError, match="PAM authentication failed")
    with refused, cellar.database.connect(cellar.role("report"), "a password"):
        pass
    with cellar.database.connect() as session:
        assert session.run("SELECT session_user::text") == [[cellar.database.master]]


@pytest.mark.aws("RDS-5")
@pytest.mark.parametrize("statement", ["GRANT {reader} TO {app_a} GRANTED BY rdsadmin", "GRANT rdsadmin TO {app_a}"])
def test_the_master_cannot_act_as_rdsadmin(statement: str, cellar: Access) -> None:
    cellar.apply()
    with cellar.master() as master, pytest.raises(StatementError, match="42501"):
        master.run(cellar.filled(statement))
