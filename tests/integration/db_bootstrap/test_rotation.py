"""Rotations on a real PostgreSQL, step by step as Secrets Manager drives them, with everything that people do to it."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from botocore.exceptions import ClientError

from db_bootstrap.credentials.alternate import Repair
from db_bootstrap.credentials.rotation import Outcome, Step
from db_bootstrap.credentials.verify import verify_credential
from db_bootstrap.errors import (
    BootstrapError,
    MissingVersionError,
    NotPendingError,
    RefusedLoginError,
    SecretError,
    UnfitLoginError,
    UnreachableDatabaseError,
)
from db_bootstrap.model import Credential
from tests.support.rotation import STEPS, RotatedLogins
from tests.support.waiting import wait_until

pytestmark = pytest.mark.database


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
    assert set_.repair == Repair(), "the bootstrap left nothing to repair"
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


def test_the_proof_names_a_table_that_the_role_can_read_and_does_not_wait_for_its_lock(
    own_logins: RotatedLogins,
) -> None:
    own_logins.cellar.as_superuser("CREATE TABLE {schema}.ale (id int)", "GRANT SELECT ON {schema}.ale TO {writer}")
    with own_logins.cellar.database.cluster.connect_as_superuser(own_logins.cellar.database.name) as migration:
        migration.run("BEGIN")
        migration.run(f"LOCK TABLE {own_logins.cellar.schema}.ale IN ACCESS EXCLUSIVE MODE")
        *_, tested, _ = own_logins.steps(own_logins.begin())
    assert tested.read_table == (own_logins.cellar.schema, "ale")


def test_every_step_is_idempotent(logins: RotatedLogins) -> None:
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
                # The label is moved once; a late attempt fails and is repeated.
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


@pytest.mark.parametrize("step", STEPS)
def test_a_version_that_is_not_pending_is_refused_at_every_step(step: Step, own_logins: RotatedLogins) -> None:
    arn = own_logins.arns["app"]
    first = own_logins.manager.holder(arn, "AWSCURRENT")
    own_logins.rotate()
    own_logins.rotate()
    before = own_logins.content()
    with pytest.raises(NotPendingError, match="does not exist or carries no label"):
        own_logins.step(step, "a-token-that-was-never-staged")
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


def test_the_master_can_be_rotated_while_a_step_connects(
    logins: RotatedLogins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database knows the new password first; for a while its secret still answers with the one before."""
    monkeypatch.setattr("db_bootstrap.inspect.session._PAUSE_SECONDS", (0.1,))
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

    def connect(_endpoint: object, _read: Callable[[], Credential], retry_seconds: float) -> None:
        seen.append(retry_seconds)
        raise RefusedLoginError("The master is refused.", "28P01")

    token = logins.begin()
    logins.step(Step.CREATE, token)
    with monkeypatch.context() as patched:
        patched.setattr("db_bootstrap.credentials.rotation.connected_as_master", connect)
        patched.setattr("tests.support.rotation.FUNCTION_TIMEOUT_SECONDS", seconds_left)
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
    with logins.cellar.database.cluster.connect_as_superuser(logins.cellar.database.name) as other:
        monkeypatch.setattr("db_bootstrap.apply.LOCK_KEY", 1)
        other.run("SELECT pg_advisory_lock(1)")
        with ThreadPoolExecutor(1) as pool:
            late = pool.submit(logins.step, Step.SET, token)
            wait_until(
                lambda: other.run("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'") == [[1]]
            )
            monkeypatch.setattr("db_bootstrap.apply.LOCK_KEY", 2)
            logins.finish(token)
            other.run("SELECT pg_advisory_unlock(1)")
            with pytest.raises(NotPendingError, match="has become current in the meantime"):
                late.result()
    assert logins.logs_in()


def test_a_proof_over_plain_text_is_no_proof(logins: RotatedLogins, monkeypatch: pytest.MonkeyPatch) -> None:
    content = logins.content()
    monkeypatch.setattr("db_bootstrap.credentials.verify._IS_ENCRYPTED", "SELECT false")
    with pytest.raises(UnfitLoginError, match="not encrypted"):
        verify_credential(
            logins.cellar.endpoint, logins.cellar.role("app"), Credential(content["username"], content["password"])
        )
