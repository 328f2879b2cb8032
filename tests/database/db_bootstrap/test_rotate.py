"""Rotations on a real PostgreSQL, step by step as Secrets Manager drives them, with everything that people do to it."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from botocore.exceptions import ClientError

from db_bootstrap.connection import Credential
from db_bootstrap.errors import (
    BootstrapError,
    MissingVersionError,
    NotPendingError,
    RefusedLoginError,
    SameLoginError,
    SecretError,
    StatementError,
    UnfitLoginError,
    UnreachableDatabaseError,
)
from db_bootstrap.proof import prove
from db_bootstrap.rotate import Outcome, Step
from tests.database.db_bootstrap.conftest import Access
from tests.database.db_bootstrap.rotated import FIRST_MAJOR_WITH_GRANTORS, STEPS, RotatedLogins
from tests.support.rotation import SecretsManager

pytestmark = pytest.mark.database

PAIR = ("app_a", "app_b")


@pytest.fixture
def own_logins(cellar: Access, manager: SecretsManager) -> RotatedLogins:
    """For tests that need the first credentials, or leave something behind."""
    return RotatedLogins(cellar, manager)


@pytest.fixture(scope="module")
def logins(settled_cellar: Access, manager: SecretsManager) -> RotatedLogins:
    """For all others: whichever login role serves, each test ends with a rotation that came to its end."""
    return RotatedLogins(settled_cellar, manager)


def test_a_rotation_alternates_between_the_login_roles_and_leaves_the_one_before_as_it_was(
    own_logins: RotatedLogins,
) -> None:
    before = own_logins.content()
    created, set_, tested, finished = own_logins.steps(token := own_logins.begin())
    own_logins.manager.conclude(own_logins.arns["app"], token)
    after = own_logins.content()
    assert (before["username"], after["username"]) == (own_logins.cellar.role("app_a"), own_logins.cellar.role("app_b"))
    assert {**after, "username": "", "password": ""} == {**before, "username": "", "password": ""}
    assert [report.outcome for report in (created, set_, tested, finished)] == [Outcome.DONE] * 4
    assert {report.username for report in (created, set_, tested, finished)} == {after["username"]}
    assert set_.mended == (), "the bootstrap left nothing to mend"
    assert own_logins.logs_in()
    with own_logins.cellar.database.connect(before["username"], before["password"]) as session:
        assert session.run("SELECT 1") == [[1]]
    labels = own_logins.manager.labels(own_logins.arns["app"])
    assert labels == {finished.replaced: ["AWSPREVIOUS"], token: ["AWSCURRENT"]}


def test_sessions_go_on_through_two_rotations(logins: RotatedLogins) -> None:
    """One of them belongs to the login role whose password the second rotation sets."""
    content = logins.content()
    with logins.cellar.database.connect(content["username"], content["password"]) as session:
        logins.rotate()
        logins.rotate()
        assert session.run("SELECT session_user::text") == [[content["username"]]]


def test_twenty_rotations_in_a_row_alternate_with_a_new_password_each(own_logins: RotatedLogins) -> None:
    contents, tokens = [own_logins.content()], [own_logins.manager.holder(own_logins.arns["app"], "AWSCURRENT")]
    for _ in range(20):
        tokens.append(own_logins.rotate())
        contents.append(own_logins.content())
        assert own_logins.content(stage="AWSPREVIOUS") == contents[-2]
        assert own_logins.manager.labels(own_logins.arns["app"]) == {
            tokens[-2]: ["AWSPREVIOUS"],
            tokens[-1]: ["AWSCURRENT"],
        }
    assert len({content["password"] for content in contents}) == 21
    pair = [own_logins.cellar.role("app_a"), own_logins.cellar.role("app_b")]
    assert [content["username"] for content in contents] == [*(pair * 10), pair[0]]


def test_what_either_login_role_of_the_migrator_creates_belongs_to_the_owner(own_logins: RotatedLogins) -> None:
    for table in ("ale", "stout"):
        content = own_logins.content("migrator")
        with own_logins.cellar.database.connect(content["username"], content["password"]) as session:
            session.run(f"CREATE TABLE {own_logins.cellar.schema}.{table} (id int)")
        own_logins.rotate("migrator")
    owners = own_logins.cellar.as_superuser(
        "SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = '{schema}'"
    )
    assert owners == [[own_logins.cellar.role("owner")]]


def test_the_proof_reads_a_table_that_the_role_may_read(own_logins: RotatedLogins) -> None:
    own_logins.cellar.as_superuser("CREATE TABLE {schema}.ale (id int)", "GRANT SELECT ON {schema}.ale TO {writer}")
    token = own_logins.begin()
    *_, tested, _ = own_logins.steps(token)
    assert tested.read_table == (own_logins.cellar.schema, "ale")


def test_a_table_that_somebody_holds_does_not_stop_a_rotation(own_logins: RotatedLogins) -> None:
    own_logins.cellar.as_superuser("CREATE TABLE {schema}.ale (id int)", "GRANT SELECT ON {schema}.ale TO {writer}")
    with own_logins.cellar.database.cluster.connect_as_superuser(own_logins.cellar.database.name) as migration:
        migration.run("BEGIN")
        migration.run(f"LOCK TABLE {own_logins.cellar.schema}.ale IN ACCESS EXCLUSIVE MODE")
        own_logins.rotate()


def test_every_step_may_come_twice(logins: RotatedLogins) -> None:
    token, before = logins.begin(), logins.content()
    for step in STEPS:
        logins.step(step, token)
        pending = logins.content(stage="AWSPENDING" if step is not Step.FINISH else "AWSCURRENT")
        again = logins.step(step, token)
        assert again.outcome is {Step.CREATE: Outcome.ALREADY_DONE, Step.FINISH: Outcome.ALREADY_CURRENT}.get(
            step, Outcome.DONE
        )
        assert logins.content(stage="AWSPENDING" if step is not Step.FINISH else "AWSCURRENT") == pending
        assert logins.logs_in()
    assert pending["password"] != before["password"]
    assert {report.outcome for report in logins.steps(token)} == {Outcome.ALREADY_CURRENT}
    assert logins.content() == pending


def test_two_attempts_at_once_agree_on_one_password(logins: RotatedLogins) -> None:
    token = logins.begin()
    with ThreadPoolExecutor(4) as pool:
        for step in STEPS:
            for done in [pool.submit(logins.step, step, token) for _ in range(4)]:
                # The label is moved once; who comes too late with it is told so, and tries again.
                if step is not Step.FINISH or not isinstance(done.exception(), SecretError):
                    done.result()
    logins.manager.conclude(logins.arns["app"], token)
    assert logins.logs_in()


@pytest.mark.parametrize(
    ("steps", "error", "message"),
    [
        pytest.param([Step.SET], MissingVersionError, "createSecret comes first", id="set before create"),
        pytest.param([Step.TEST], MissingVersionError, "createSecret comes first", id="test before create"),
        pytest.param([Step.FINISH], MissingVersionError, "createSecret comes first", id="finish before create"),
        pytest.param([Step.CREATE, Step.TEST], RefusedLoginError, "refuses the login", id="test before set"),
        pytest.param([Step.CREATE, Step.FINISH], RefusedLoginError, "refuses the login", id="finish before set"),
    ],
)
def test_a_step_before_its_time_is_refused_and_the_whole_still_succeeds(
    steps: list[Step], error: type[BootstrapError], message: str, logins: RotatedLogins
) -> None:
    token, before = logins.begin(), logins.content()
    with pytest.raises(error, match=message):
        logins.steps(token, steps=steps)
    assert logins.content() == before
    assert logins.logs_in()
    logins.finish(token)


def test_finishing_without_a_test_tests_by_itself(logins: RotatedLogins) -> None:
    logins.steps(token := logins.begin(), steps=[Step.CREATE, Step.SET, Step.FINISH])
    logins.manager.conclude(logins.arns["app"], token)
    assert logins.logs_in()


@pytest.mark.parametrize("step", STEPS)
def test_a_version_that_is_not_pending_is_refused_at_every_step(step: Step, own_logins: RotatedLogins) -> None:
    arn = own_logins.arns["app"]
    first = own_logins.manager.holder(arn, "AWSCURRENT")
    own_logins.rotate()
    own_logins.rotate()
    before = own_logins.content()
    with pytest.raises(NotPendingError, match="does not exist or carries no label"):
        own_logins.step(step, "a-token-that-nobody-has-ever-staged")
    with pytest.raises(NotPendingError, match="does not exist or carries no label"):
        own_logins.step(step, first)
    with pytest.raises(NotPendingError, match="is AWSPREVIOUS"):
        own_logins.step(step, own_logins.manager.holder(arn, "AWSPREVIOUS"))
    assert own_logins.content() == before
    assert own_logins.logs_in()


@pytest.mark.parametrize("step", STEPS)
def test_a_rotation_that_was_turned_off_is_refused(step: Step, logins: RotatedLogins) -> None:
    token = logins.begin()
    logins.steps(token, steps=STEPS[: STEPS.index(step)])
    logins.manager.client.cancel_rotate_secret(SecretId=logins.arns["app"])
    with pytest.raises(NotPendingError, match="turned off"):
        logins.step(step, token)
    assert logins.logs_in()
    with pytest.raises(ClientError, match="isn't complete"):
        logins.begin()  # which turns it on again
    logins.finish(token)


def test_a_rotation_that_is_only_tried_out_tests_the_current_value(logins: RotatedLogins) -> None:
    """RotateSecret with RotateImmediately=false, as Terraform says it: a copy of the value, and the third step only."""
    token = logins.manager.begin(logins.arns["app"], RotateImmediately=False)
    assert logins.step(Step.TEST, token).username == logins.serving()
    logins.manager.client.update_secret_version_stage(
        SecretId=logins.arns["app"], VersionStage="AWSPENDING", RemoveFromVersionId=token
    )


def test_a_pending_version_for_the_login_role_that_serves_is_refused(logins: RotatedLogins) -> None:
    """Somebody moved AWSCURRENT back, in the middle of a rotation, to the version before."""
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
    with pytest.raises(SameLoginError, match="Take AWSPENDING off the pending version"):
        logins.step(Step.SET, token)
    assert logins.logs_in()
    logins.manager.client.update_secret_version_stage(
        SecretId=arn, VersionStage="AWSPENDING", RemoveFromVersionId=token
    )
    logins.rotate()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param("not json", "is no JSON object", id="no JSON"),
        pytest.param("[1]", "is no JSON object", id="JSON of another shape"),
        pytest.param("{}", "holds the login None", id="no user"),
        pytest.param('{"username": "MASTER", "password": "theirs"}', "holds the login", id="the master"),
        pytest.param('{"username": "MIGRATOR", "password": "theirs"}', "holds the login", id="another login"),
        pytest.param('{"username": ["APP"], "password": "theirs"}', "holds the login", id="a list of users"),
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
        with pytest.raises(SecretError, match="holds the login"):
            own_logins.step(step, token)
    assert passwords_of(own_logins) == passwords
    assert own_logins.logs_in()


def test_a_secret_without_a_first_credential_asks_for_the_bootstrap(own_logins: RotatedLogins) -> None:
    arn = own_logins.manager.client.create_secret(Name=own_logins.cellar.role("empty"))["ARN"]
    own_logins.arns["app"] = arn
    with pytest.raises(MissingVersionError, match="the bootstrap puts the first credential"):
        own_logins.step(Step.CREATE, own_logins.begin())


def sabotages() -> list[Any]:
    """What somebody does by hand to one of the two login roles before a rotation."""
    cases = []
    for which in ("other", "serving"):
        for id_, statement in (
            ("dropped", "DROP ROLE {other}"),
            ("another password", "ALTER ROLE {other} PASSWORD 'guessed'"),
            ("no password", "ALTER ROLE {other} PASSWORD NULL"),
            ("NOLOGIN", "ALTER ROLE {other} NOLOGIN"),
            ("NOINHERIT", "ALTER ROLE {other} NOINHERIT"),
            ("expired", "ALTER ROLE {other} VALID UNTIL '2020-01-01'"),
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


@pytest.mark.parametrize(
    "by_hand",
    [
        pytest.param("ALTER ROLE {other} CONNECTION LIMIT 1", id="another connection limit"),
        pytest.param("ALTER ROLE {other} SET statement_timeout = '1ms'", id="another setting"),
        pytest.param("ALTER ROLE {other} RESET statement_timeout", id="a setting less"),
        pytest.param("ALTER ROLE {other} SET search_path = 'a, b', \"C\"", id="a list too much"),
        pytest.param("ALTER ROLE {other} IN DATABASE {database} SET work_mem = '1MB'", id="a setting in this database"),
        pytest.param("ALTER ROLE {other} CREATEDB", id="an attribute too much"),
        pytest.param("COMMENT ON ROLE {other} IS 'mine'", id="another comment"),
    ],
)
def test_the_next_login_role_is_made_like_the_one_that_serves(by_hand: str, logins: RotatedLogins) -> None:
    logins.by_hand(by_hand)
    logins.rotate()
    assert_as_declared(logins, logins.serving())


def test_a_login_role_made_anew_has_all_that_its_sibling_has(own_logins: RotatedLogins) -> None:
    own_logins.cellar.as_superuser(
        "ALTER ROLE {app_a} SET search_path = {schema}, 'a, b', \"C\"",
        "ALTER ROLE {app_a} IN DATABASE {database} SET work_mem = '8MB'",
        "DROP ROLE {app_b}",
    )
    token = own_logins.begin()
    own_logins.step(Step.CREATE, token)
    mended = [change.sql for change in own_logins.step(Step.SET, token).mended]
    assert mended[0].startswith("CREATE ROLE")
    own_logins.finish(token)
    settings = own_logins.cellar.as_superuser(
        "SELECT rolname::text, setdatabase::text, unnest(setconfig) "
        "FROM pg_db_role_setting c JOIN pg_roles r ON r.oid = c.setrole WHERE rolname IN ('{app_a}', '{app_b}')"
    )
    by_role = [{tuple(rest) for name, *rest in settings if name == own_logins.cellar.role(role)} for role in PAIR]
    assert by_role[0] == by_role[1]
    assert len(by_role[0]) == 3


def test_both_login_roles_gone_is_for_the_bootstrap(logins: RotatedLogins) -> None:
    logins.cellar.as_superuser("DROP ROLE {app_a}", "DROP ROLE {app_b}")
    token = logins.begin()
    with pytest.raises(UnfitLoginError, match=r"Both login roles .* are gone.* Apply the access document"):
        logins.steps(token)
    assert logins.bootstrap() == ["restored", "kept"]
    logins.finish(token)


@pytest.mark.parametrize("by_hand", ["DROP ROLE {app}", "ALTER ROLE {app} LOGIN"])
def test_a_login_without_its_role_is_for_the_bootstrap(by_hand: str, logins: RotatedLogins) -> None:
    logins.cellar.as_superuser("DROP OWNED BY {app}", by_hand)
    token = logins.begin()
    with pytest.raises(UnfitLoginError, match="Apply the access document"):
        logins.steps(token)
    logins.bootstrap()
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


def test_a_login_role_that_somebody_else_made_a_member_of_rds_iam_is_named(logins: RotatedLogins) -> None:
    """Before version 16 whoever administers a role may take any membership back; since then, who granted it."""
    logins.by_hand("GRANT rds_iam TO {other}")
    token = logins.begin()
    if logins.cellar.database.cluster.major >= FIRST_MAJOR_WITH_GRANTORS:
        with pytest.raises(UnfitLoginError, match=r"without an effect.*\n.*rds_iam"):
            logins.steps(token)
        assert logins.logs_in()
        logins.by_hand("REVOKE rds_iam FROM {other}")
    logins.finish(token)


def test_a_role_that_the_master_may_not_change_is_a_typed_error(logins: RotatedLogins) -> None:
    """Made anew by somebody else: from version 16 on it takes ADMIN OPTION to change it."""
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


def test_a_login_role_without_a_free_connection_is_not_moved_to(logins: RotatedLogins) -> None:
    logins.rotate()
    content, limit = logins.content(stage="AWSPREVIOUS"), 5
    token = logins.begin()
    with ExitStack() as stack:
        for _ in range(limit):
            stack.enter_context(logins.cellar.database.connect(content["username"], content["password"]))
        with pytest.raises(UnreachableDatabaseError, match="too many connections"):
            logins.steps(token)
        assert logins.logs_in()
    logins.finish(token)


def test_the_master_may_rotate_before_any_step(logins: RotatedLogins) -> None:
    token = logins.begin()
    for step in STEPS:
        rotate_master(logins)
        logins.step(step, token)
    logins.manager.conclude(logins.arns["app"], token)
    assert logins.logs_in()


def test_the_master_may_rotate_while_a_step_connects(logins: RotatedLogins, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database knows the new password first; for a while its secret still answers with the one before."""
    monkeypatch.setattr("db_bootstrap.connection._RETRY_SECONDS", (0.1,))
    token = logins.begin()
    logins.step(Step.CREATE, token)
    logins.cellar.database.password = "the next one"
    logins.cellar.database.cluster.set_password(logins.cellar.database.master, "the next one")

    def publish() -> None:
        time.sleep(1)
        logins.manager.client.put_secret_value(SecretId=logins.master_arn, SecretString=logins.master_secret())

    late = threading.Thread(target=publish)
    late.start()
    logins.step(Step.SET, token)
    late.join()
    logins.finish(token)


@pytest.mark.parametrize(("seconds_left", "patience"), [(180.0, 90.0), (300.0, 90.0), (60.0, 30.0), (20.0, -10.0)])
def test_the_patience_with_the_master_leaves_time_for_the_work(
    seconds_left: float, patience: float, logins: RotatedLogins, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def connect(_endpoint: object, _read: Callable[[], Credential], patience_seconds: float) -> None:
        seen.append(patience_seconds)
        raise RefusedLoginError("The master is refused.", "28P01")

    token = logins.begin()
    logins.step(Step.CREATE, token)
    with monkeypatch.context() as patched:
        patched.setattr("db_bootstrap.rotate.connected_as_master", connect)
        patched.setattr("tests.database.db_bootstrap.rotated.FUNCTION_TIMEOUT_SECONDS", seconds_left)
        with pytest.raises(RefusedLoginError):
            logins.step(Step.SET, token)
    assert seen == [patience]
    logins.finish(token)


def test_two_logins_rotate_at_once_while_documents_are_applied(own_logins: RotatedLogins) -> None:
    def apply() -> None:
        for limit in range(5, 10):
            own_logins.cellar.raw["logins"][own_logins.cellar.role("app")]["connection_limit"] = limit
            own_logins.bootstrap()

    def rotate(name: str) -> None:
        for _ in range(4):
            own_logins.rotate(name)

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(rotate, "app"), pool.submit(rotate, "migrator"), pool.submit(apply)]:
            done.result()
    assert own_logins.logs_in("app")
    assert own_logins.logs_in("migrator")
    assert own_logins.bootstrap() == ["kept", "kept"]


def test_an_attempt_that_comes_back_late_does_not_touch_the_password_that_serves(
    logins: RotatedLogins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for the lock, while a later attempt finishes the rotation."""
    token = logins.begin()
    logins.step(Step.CREATE, token)
    with logins.cellar.database.cluster.connect_as_superuser(logins.cellar.database.name) as somebody:
        monkeypatch.setattr("db_bootstrap.reconcile.LOCK_KEY", 1)
        somebody.run("SELECT pg_advisory_lock(1)")
        with ThreadPoolExecutor(1) as pool:
            late = pool.submit(logins.step, Step.SET, token)
            wait_until(
                lambda: (
                    somebody.run("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'") == [[1]]
                )
            )
            monkeypatch.setattr("db_bootstrap.reconcile.LOCK_KEY", 2)
            logins.finish(token)
            somebody.run("SELECT pg_advisory_unlock(1)")
            with pytest.raises(NotPendingError, match="has become current by now"):
                late.result()
    assert logins.logs_in()


def test_a_proof_over_plain_text_is_no_proof(logins: RotatedLogins, monkeypatch: pytest.MonkeyPatch) -> None:
    content = logins.content()
    monkeypatch.setattr("db_bootstrap.proof._IS_ENCRYPTED", "SELECT false")
    with pytest.raises(UnfitLoginError, match="not encrypted"):
        prove(logins.cellar.endpoint, logins.cellar.role("app"), Credential(content["username"], content["password"]))


def assert_as_declared(logins: RotatedLogins, name: str) -> None:
    """No statement of an apply would name this login role."""
    assert [statement for statement in logins.cellar.plan().statements if name in statement.sql] == []


def passwords_of(logins: RotatedLogins) -> list[list[Any]]:
    """The verifiers of everybody but the login role that the test's own rotation is about."""
    return logins.cellar.as_superuser(
        "SELECT rolname::text, rolpassword FROM pg_authid WHERE rolname LIKE '{database}%' ORDER BY 1"
    )


def rotate_master(logins: RotatedLogins) -> None:
    """RDS's own rotation: a new password for the master, in the database and in its secret."""
    logins.cellar.database.password += "+"
    logins.cellar.database.cluster.set_password(logins.cellar.database.master, logins.cellar.database.password)
    logins.manager.client.put_secret_value(SecretId=logins.master_arn, SecretString=logins.master_secret())


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
