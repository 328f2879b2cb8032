"""Manual changes of secrets and login roles: a rotation repairs them, or its error says what to do."""

import json
from typing import Any

import pytest

from db_bootstrap.credentials.rotation import Step
from db_bootstrap.errors import MissingVersionError, SameLoginError, SecretError, StatementError, UnfitLoginError
from tests.support.rotation import FIRST_MAJOR_WITH_GRANTORS, RotatedLogins

pytestmark = [pytest.mark.database, pytest.mark.each_major]

PAIR = ("app_a", "app_b")


def test_a_pending_version_for_the_login_role_that_serves_is_refused(logins: RotatedLogins) -> None:
    """AWSCURRENT was moved back to the previous version in the middle of a rotation."""
    logins.rotate()
    token = logins.begin()
    logins.step(Step.CREATE, token)
    arn = logins.arns["app"]
    logins.manager.client.update_secret_version_stage(
        SecretId=arn,
        VersionStage="AWSCURRENT",
        MoveToVersionId=logins.manager.holder(arn, "AWSPREVIOUS"),
        RemoveFromVersionId=logins.manager.holder(arn, "AWSCURRENT"),
    )
    with pytest.raises(SameLoginError, match="Remove AWSPENDING from the pending version"):
        logins.step(Step.SET, token)
    assert logins.logs_in()
    logins.manager.client.update_secret_version_stage(
        SecretId=arn, VersionStage="AWSPENDING", RemoveFromVersionId=token
    )
    logins.rotate()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param("not json", "is not a JSON object", id="no JSON"),
        pytest.param("[1]", "is not a JSON object", id="JSON of another shape"),
        pytest.param("{}", "has the login role None", id="no user"),
        pytest.param('{"username": "MASTER", "password": "theirs"}', "has the login role", id="the master"),
        pytest.param('{"username": "MIGRATOR", "password": "theirs"}', "has the login role", id="another login"),
        pytest.param('{"username": ["APP"], "password": "theirs"}', "has the login role", id="a list of users"),
    ],
)
def test_a_secret_of_another_shape_is_refused_and_its_user_left_alone(
    value: str, message: str, own_logins: RotatedLogins
) -> None:
    names = {
        "MASTER": own_logins.cellar.database.master,
        "MIGRATOR": own_logins.cellar.role("migrator_a"),
        "APP": "app",
    }
    for name, role in names.items():
        value = value.replace(name, role)
    good = own_logins.content()
    passwords = passwords_of(own_logins)
    own_logins.put(value)
    token = own_logins.begin()
    with pytest.raises(SecretError, match=message) as refused:
        own_logins.step(Step.CREATE, token)
    assert "theirs" not in str(refused.value)
    own_logins.put(
        json.dumps({**good, "username": own_logins.cellar.role("app_b")}),
        ClientRequestToken=token,
        VersionStages=["AWSPENDING"],
    )
    with pytest.raises(SecretError, match=message):
        own_logins.step(Step.SET, token)
    assert passwords_of(own_logins) == passwords
    assert own_logins.logs_in("migrator")


def test_a_pending_version_of_another_shape_is_refused(own_logins: RotatedLogins) -> None:
    passwords = passwords_of(own_logins)
    token = own_logins.begin()
    pending = {"username": own_logins.cellar.role("migrator_b"), "password": "theirs"}
    own_logins.put(json.dumps(pending), ClientRequestToken=token, VersionStages=["AWSPENDING"])
    for step in (Step.SET, Step.TEST, Step.FINISH):
        with pytest.raises(SecretError, match="has the login role"):
            own_logins.step(step, token)
    assert passwords_of(own_logins) == passwords
    assert own_logins.logs_in()


def test_a_secret_without_a_first_credential_asks_for_the_bootstrap(own_logins: RotatedLogins) -> None:
    arn = own_logins.manager.client.create_secret(Name=own_logins.cellar.role("empty"))["ARN"]
    own_logins.arns["app"] = arn
    with pytest.raises(MissingVersionError, match="the bootstrap puts the first credential"):
        own_logins.step(Step.CREATE, own_logins.begin())


# Differences between the two login roles.
DIFFERENCES = (
    ("another connection limit", "ALTER ROLE {other} CONNECTION LIMIT 1"),
    ("another setting", "ALTER ROLE {other} SET statement_timeout = '1ms'"),
    ("a setting less", "ALTER ROLE {other} RESET statement_timeout"),
    ("a list too much", "ALTER ROLE {other} SET search_path = 'a, b', \"C\""),
    ("a setting in this database", "ALTER ROLE {other} IN DATABASE {database} SET work_mem = '1MB'"),
    ("an attribute too much", "ALTER ROLE {other} CREATEDB"),
    ("an expiry", "ALTER ROLE {other} VALID UNTIL '2020-01-01'"),
    ("another comment", "COMMENT ON ROLE {other} IS 'mine'"),
)


def sabotages() -> list[Any]:
    """A manual change of one of the two login roles before a rotation."""
    cases = [pytest.param(statement, id=id_) for id_, statement in DIFFERENCES]
    for which in ("other", "serving"):
        for id_, statement in (
            ("dropped", "DROP ROLE {other}"),
            ("another password", "ALTER ROLE {other} PASSWORD 'guessed'"),
            ("no password", "ALTER ROLE {other} PASSWORD NULL"),
            ("NOLOGIN", "ALTER ROLE {other} NOLOGIN"),
            ("NOINHERIT", "ALTER ROLE {other} NOINHERIT"),
            ("no member", "REVOKE {app} FROM {other} {as_master}"),
        ):
            cases.append(pytest.param(statement.replace("other", which), id=f"{which}: {id_}"))
    return cases


@pytest.mark.parametrize("by_hand", sabotages())
def test_a_rotation_heals_what_was_done_by_hand(by_hand: str, logins: RotatedLogins) -> None:
    logins.by_hand(by_hand)
    for _ in range(2):
        logins.rotate()
        assert_as_declared(logins, logins.serving())


def test_a_dropped_login_role_is_recreated_like_the_alternate_one(own_logins: RotatedLogins) -> None:
    own_logins.cellar.as_superuser(
        "ALTER ROLE {app_a} SET search_path = {schema}, 'a, b', \"C\"",
        "ALTER ROLE {app_a} IN DATABASE {database} SET work_mem = '8MB'",
        "DROP ROLE {app_b}",
    )
    token = own_logins.begin()
    own_logins.step(Step.CREATE, token)
    repairs = [sql for sql, _ in own_logins.step(Step.SET, token).repair.changes]
    assert repairs[0].startswith("CREATE ROLE")
    own_logins.finish(token)
    settings = own_logins.cellar.as_superuser(
        "SELECT rolname::text, setdatabase::text, unnest(setconfig) "
        "FROM pg_db_role_setting c JOIN pg_roles r ON r.oid = c.setrole WHERE rolname IN ('{app_a}', '{app_b}')"
    )
    by_role = [{tuple(rest) for name, *rest in settings if name == own_logins.cellar.role(role)} for role in PAIR]
    assert by_role[0] == by_role[1]
    assert len(by_role[0]) == 3


@pytest.mark.parametrize(
    ("by_hand", "outcome"),
    [
        (("DROP ROLE {app_a}", "DROP ROLE {app_b}"), "restored"),
        (("DROP OWNED BY {app}", "DROP ROLE {app}"), "kept"),
        (("DROP OWNED BY {app}", "ALTER ROLE {app} LOGIN"), "kept"),
    ],
)
def test_a_login_without_its_role_or_without_both_login_roles_is_for_the_bootstrap(
    by_hand: tuple[str, ...], outcome: str, logins: RotatedLogins
) -> None:
    logins.cellar.as_superuser(*by_hand)
    token = logins.begin()
    with pytest.raises(UnfitLoginError, match=r"(Both login roles .* are gone|There is no role).* Apply the access"):
        logins.steps(token)
    assert logins.bootstrap() == [outcome, "kept"]
    logins.finish(token)


@pytest.mark.parametrize("which", ["other", "serving"])
def test_a_login_role_that_the_master_made_a_member_of_rds_iam_gets_out_of_it(
    which: str, logins: RotatedLogins
) -> None:
    role = getattr(logins, which)()
    with logins.cellar.master() as master:
        master.run(f"GRANT rds_iam TO {role}")
    logins.rotate()
    assert_as_declared(logins, logins.serving())


@pytest.mark.parametrize("which", ["other", "serving"])
def test_a_manual_membership_that_the_master_cannot_revoke_or_copy_is_a_note(which: str, logins: RotatedLogins) -> None:
    """Before version 16 any administrator of a role revokes any membership in it; since then, its grantor does."""
    role = getattr(logins, which)()
    logins.cellar.as_superuser("CREATE ROLE {stranger}", f"GRANT {{stranger}}, {{reader}} TO {role}")
    token = logins.begin()
    logins.step(Step.CREATE, token)
    repair = logins.step(Step.SET, token).repair
    if logins.cellar.database.cluster.major >= FIRST_MAJOR_WITH_GRANTORS:
        assert any(logins.cellar.role("stranger") in note for note in repair.notes)
    logins.finish(token)
    logins.cellar.as_superuser("DROP ROLE {stranger}", f"REVOKE {{reader}} FROM {role}")
    logins.rotate()


def test_a_role_that_the_master_cannot_change_is_a_typed_error(logins: RotatedLogins) -> None:
    """Recreated by another role: from version 16 on, changing it takes ADMIN OPTION."""
    logins.by_hand("DROP ROLE {other}", "CREATE ROLE {other} SUPERUSER")
    token = logins.begin()
    with pytest.raises(StatementError, match=r"master must (administer|be a member)") as refused:
        logins.steps(token)
    assert refused.value.sqlstate == "42501"
    assert logins.logs_in()
    logins.by_hand("DROP ROLE {other}")
    logins.finish(token)


@pytest.mark.parametrize(
    ("by_hand", "message"),
    [
        pytest.param("REVOKE {app} FROM {other} {as_master}", "does not have the privileges", id="no member"),
        pytest.param(
            "ALTER ROLE {other} NOINHERIT", "does not have the privileges", id="a member that inherits nothing"
        ),
        pytest.param("ALTER ROLE {other} SET role = '{owner}'", "should act as", id="a role that it may not take on"),
    ],
)
def test_a_session_that_lacks_something_fails_the_test_and_the_finish(
    by_hand: str, message: str, logins: RotatedLogins
) -> None:
    if "NOINHERIT" in by_hand and logins.cellar.database.cluster.major >= FIRST_MAJOR_WITH_GRANTORS:
        by_hand = "GRANT {app} TO {other} WITH INHERIT FALSE {as_master}"  # there, the membership says so
    token, before = logins.begin(), logins.content()
    logins.steps(token, steps=[Step.CREATE, Step.SET])
    logins.by_hand(by_hand)
    for step in (Step.TEST, Step.FINISH):
        with pytest.raises(UnfitLoginError, match=message):
            logins.step(step, token)
    assert logins.content() == before
    logins.finish(token)


def assert_as_declared(logins: RotatedLogins, name: str) -> None:
    """No statement of an apply would name this login role."""
    assert [statement for statement in logins.cellar.plan().statements if name in statement.sql] == []


def passwords_of(logins: RotatedLogins) -> list[list[Any]]:
    """The verifiers of all but the login role that the test's rotation changes."""
    return logins.cellar.as_superuser(
        "SELECT rolname::text, rolpassword FROM pg_authid WHERE rolname LIKE '{database}%' ORDER BY 1"
    )
