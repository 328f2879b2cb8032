"""A rotation, and a first credential, whose process is killed after each of its effects in turn.

The effects are counted by the process itself: each answer of Secrets Manager, and each statement that PostgreSQL has
carried out, but for those that only read or set something of the session. Nothing is listed here.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.support.interrupted_apply import attempts
from tests.support.rotation import STEPS, RotatedLogins

pytestmark = pytest.mark.database

# Writes the effect after which it is killed, if any.
PROGRAM = """
import boto3
from botocore.client import BaseClient
from pg8000.native import Connection
from db_bootstrap.model import Endpoint
from db_bootstrap.apply import locked
from db_bootstrap.inspect.session import connected_as_master
from db_bootstrap.credentials.initial import ensure_credential
from db_bootstrap.credentials.rotation import Rotation, Step
from db_bootstrap.credentials.store import SecretStore

endpoint = Endpoint(**given["endpoint"])
client = boto3.client("secretsmanager", endpoint_url=given["secrets_manager"], region_name="us-east-1",
                      aws_access_key_id="test", aws_secret_access_key="none")
store = SecretStore(client)

def is_effect(sql):
    return "pg_advisory" in sql or not sql.split()[0].upper() in ("SELECT", "SET")

def kill_after(effects, answer):
    done = 0
    def count(effect):
        nonlocal done
        done += 1
        if done == effects:
            os.write(answer, effect.encode())
            os.kill(os.getpid(), signal.SIGKILL)
    run, call = Connection.run, BaseClient._make_api_call
    def counted_run(connection, sql, **parameters):
        rows = run(connection, sql, **parameters)
        if is_effect(sql):
            count(sql)
        return rows
    def counted_call(client, operation, parameters):
        answered = call(client, operation, parameters)
        count(operation)
        return answered
    Connection.run, BaseClient._make_api_call = counted_run, counted_call

def rotate(attempt, answer):
    read_master = lambda: store.master(given["master_arn"])
    rotation = Rotation(store, endpoint, read_master, attempt["login"], attempt["arn"], attempt["token"], lambda: 180)
    for step in Step:
        os.write(answer, f"{step} ".encode())
        rotation.run(step)

def ensure(attempt, answer):
    with connected_as_master(endpoint, lambda: store.master(given["master_arn"])) as master, locked(master):
        ensure_credential(master, endpoint, store, attempt["login"], attempt["arn"])

def make(attempt, answer):
    kill_after(attempt["effects"], answer)
    {"rotate": rotate, "ensure": ensure}[attempt["job"]](attempt, answer)
"""

# So that a rotation has all to do that it can have to do.
DRIFT = ("ALTER ROLE {serving} SET search_path = {schema}, pg_catalog", "DROP ROLE {other}")


@contextmanager
def running(logins: RotatedLogins, directory: Path) -> Iterator[Callable[..., tuple[str, int]]]:
    """Yield what has an attempt killed after so many effects, and returns the last one and how the attempt ended."""
    given = {
        "endpoint": asdict(logins.cellar.endpoint),
        "master_arn": logins.master_arn,
        "secrets_manager": logins.manager.endpoint,
    }
    with attempts(PROGRAM, given, directory) as make:

        def attempt(job: str, arn: str, effects: int, token: str = "") -> tuple[str, int]:
            login = logins.cellar.role("app")
            return make({"job": job, "login": login, "arn": arn, "effects": effects, "token": token})

        yield attempt


@pytest.mark.load
def test_a_rotation_that_is_killed_anywhere_leaves_a_current_credential_that_logs_in_and_is_finished_by_a_retry(
    own_logins: RotatedLogins, tmp_path: Path
) -> None:
    arn, killed_at = own_logins.arns["app"], []
    with running(own_logins, tmp_path) as attempt:
        for effects in range(1, 200):
            own_logins.by_hand(*DRIFT)
            token, before, other = own_logins.begin(), own_logins.content(), own_logins.other()
            steps_and_effect, exit_code = attempt("rotate", arn, effects, token)
            assert own_logins.logs_in(), f"killed after {steps_and_effect}"
            if exit_code == 0:
                break
            assert exit_code == -signal.SIGKILL
            killed_at.append(steps_and_effect)
            is_made = own_logins.cellar.as_superuser(f"SELECT FROM pg_roles WHERE rolname = '{other}'") != []
            assert is_made == ("COMMIT" in "\n".join(killed_at)), f"made as a whole; killed after {steps_and_effect}"
            if "UpdateSecretVersionStage" not in steps_and_effect:
                assert own_logins.content() == before, f"killed after {steps_and_effect}"
            own_logins.finish(token)
            assert own_logins.content() != before
    assert exit_code == 0, "the last attempt came to its end"
    journal = "\n".join(killed_at)
    statements = ("CREATE ROLE", "GRANT", "SET ", "SCRAM-SHA-256", "COMMIT", "pg_advisory_unlock")
    for expected in (*STEPS, *statements, "PutSecretValue", "UpdateSecretVersionStage"):
        assert expected in journal, "the attempts went through everything"


def test_a_retry_can_be_killed_as_well(own_logins: RotatedLogins, tmp_path: Path) -> None:
    """Every attempt at one rotation gets one effect further than the one before."""
    arn = own_logins.arns["app"]
    own_logins.by_hand(*DRIFT)
    token, current = own_logins.begin(), []
    with running(own_logins, tmp_path) as attempt:
        for effects in range(1, 200):
            _, exit_code = attempt("rotate", arn, effects, token)
            assert own_logins.logs_in()
            current.append(own_logins.content()["username"])
            if exit_code == 0:
                break
    assert exit_code == 0
    assert current == sorted(current), "it moved once"
    own_logins.finish(token)


def test_a_first_credential_that_is_killed_anywhere_is_none_or_one_that_logs_in(
    own_logins: RotatedLogins, tmp_path: Path
) -> None:
    killed_at = []
    with running(own_logins, tmp_path) as attempt:
        for effects in range(1, 100):
            arn = own_logins.manager.client.create_secret(Name=f"{own_logins.cellar.role('first')}-{effects}")["ARN"]
            own_logins.arns["app"] = arn
            last_effect, exit_code = attempt("ensure", arn, effects)
            if exit_code == 0:
                assert own_logins.logs_in()
                break
            assert exit_code == -signal.SIGKILL
            killed_at.append(last_effect)
            is_published = own_logins.store.current(arn) is not None
            assert is_published == ("PutSecretValue" in killed_at)
            assert not is_published or own_logins.logs_in(), f"killed after {last_effect}"
            assert own_logins.bootstrap() == ["kept" if is_published else "created", "kept"]
            assert own_logins.logs_in()
    assert exit_code == 0
    assert {"PutSecretValue", "GetSecretValue"} <= set(killed_at)
    assert any("SCRAM-SHA-256" in effect for effect in killed_at)


def test_a_repair_that_is_killed_anywhere_is_finished_by_the_next_run(
    own_logins: RotatedLogins, tmp_path: Path
) -> None:
    """The password was changed by hand, and the bootstrap sets the secret's again."""
    with running(own_logins, tmp_path) as attempt:
        for effects in range(1, 100):
            own_logins.by_hand("ALTER ROLE {serving} PASSWORD 'guessed'")
            before = own_logins.content()
            _, exit_code = attempt("ensure", own_logins.arns["app"], effects)
            assert own_logins.content() == before
            if exit_code == 0:
                break
            assert own_logins.bootstrap()[0] in {"restored", "kept"}
            assert own_logins.logs_in()
    assert exit_code == 0
    assert own_logins.logs_in()
