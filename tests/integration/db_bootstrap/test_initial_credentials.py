"""First credentials: a real PostgreSQL, and moto's Secrets Manager in this process."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.exceptions
import moto
import pytest

from db_bootstrap.credentials.initial import ensure_credential
from db_bootstrap.credentials.rotation import Step
from db_bootstrap.credentials.store import SecretStore
from db_bootstrap.errors import EventError, SecretError, StatementError
from db_bootstrap.lambdas.apply import ApplyEvent, run
from db_bootstrap.settings import Settings
from tests.support.access import Access
from tests.support.rotation import RotatedLogins

pytestmark = pytest.mark.database


class Bootstrap:
    """The function's work on one database, with secrets as Terraform makes them: empty, but for the master's."""

    def __init__(self, cellar: Access, client: Any) -> None:
        self.cellar = cellar
        self.client = client
        self.store = SecretStore(client)
        master = {"username": cellar.database.master, "password": cellar.database.password}
        self.master_arn = client.create_secret(Name="master", SecretString=json.dumps(master))["ARN"]
        self.logins = [cellar.role("app"), cellar.role("migrator")]
        self.arns = {login: client.create_secret(Name=login)["ARN"] for login in self.logins}

    def run(self) -> dict[str, Any]:
        event = {"action": "apply", "document": self.cellar.raw, "secret_arns": self.arns}
        return run(ApplyEvent.parse(event), Settings(self.cellar.endpoint, self.master_arn), self.store)

    def outcomes(self) -> list[str]:
        return [given["outcome"] for given in self.run()["credentials"]]

    def content(self, login: str) -> dict[str, Any]:
        value = self.client.get_secret_value(SecretId=self.arns[self.cellar.role(login)], VersionStage="AWSCURRENT")
        content: dict[str, Any] = json.loads(value["SecretString"])
        return content

    def logs_in(self, login: str) -> bool:
        content = self.content(login)
        with self.cellar.database.connect(content["username"], content["password"]) as connection:
            return bool(connection.run("SELECT session_user::text") == [[content["username"]]])


@pytest.fixture
def bootstrap(cellar: Access, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bootstrap]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with moto.mock_aws():
        yield Bootstrap(cellar, boto3.client("secretsmanager", region_name="us-east-1"))


def test_the_first_run_gives_each_login_a_credential_that_logs_in(bootstrap: Bootstrap) -> None:
    assert bootstrap.outcomes() == ["created", "created"]
    assert bootstrap.logs_in("app")
    assert bootstrap.logs_in("migrator")
    endpoint = bootstrap.cellar.endpoint
    content = bootstrap.content("app")
    assert {key: content[key] for key in content if key != "password"} == {
        "engine": "postgres",
        "host": endpoint.host,
        "port": endpoint.port,
        "dbname": endpoint.database,
        "username": bootstrap.cellar.role("app_a"),
    }


@pytest.mark.parametrize(
    "by_hand",
    [
        pytest.param("ALTER ROLE {app_a} PASSWORD 'guessed'", id="the password was changed"),
        pytest.param("ALTER ROLE {app_a} PASSWORD NULL", id="the password is gone"),
        pytest.param("DROP ROLE {app_a}", id="the login is gone"),
    ],
)
def test_a_credential_that_no_longer_logs_in_is_restored_from_its_secret(by_hand: str, bootstrap: Bootstrap) -> None:
    bootstrap.run()
    before = bootstrap.content("app")
    bootstrap.cellar.as_superuser(by_hand)
    assert bootstrap.outcomes() == ["restored", "kept"]
    assert bootstrap.content("app") == before
    assert bootstrap.logs_in("app")


def test_a_secret_that_leads_to_another_database_is_published_again(bootstrap: Bootstrap) -> None:
    bootstrap.run()
    content = bootstrap.content("app")
    arn = bootstrap.arns[bootstrap.cellar.role("app")]
    bootstrap.client.put_secret_value(SecretId=arn, SecretString=json.dumps({**content, "host": "the-old-database"}))
    assert bootstrap.outcomes() == ["restored", "kept"]
    assert bootstrap.content("app") == content


@pytest.mark.parametrize(
    ("content", "field"),
    [
        *(
            pytest.param({key: value}, key, id=f"{key}: {type(value).__name__} {index}")
            for key in ("username", "password")
            for index, value in enumerate([None, 7, "", ["hunter2"], "hunter2\0", "h\u00fcnter2", "hunter2\ud800"])
        ),
        pytest.param("[" * 5000 + "]" * 5000, "not a JSON object", id="nested deeply"),
        pytest.param("[7]", "not a JSON object", id="a list"),
    ],
)
def test_a_malformed_secret_of_the_master_is_refused_and_its_field_named(
    content: dict[str, Any] | str, field: str, bootstrap: Bootstrap
) -> None:
    good = {"username": bootstrap.cellar.database.master, "password": bootstrap.cellar.database.password}
    value = content if isinstance(content, str) else json.dumps(good | content)
    bootstrap.client.put_secret_value(SecretId=bootstrap.master_arn, SecretString=value)
    with pytest.raises(SecretError, match=field) as refused:
        bootstrap.run()
    assert bootstrap.master_arn in str(refused.value)
    assert "nter2" not in str(refused.value)


@pytest.mark.parametrize("password", [None, 7, "", "bell\a", "\u00fc", "\ud800"])
def test_a_malformed_password_is_refused_with_a_remedy_that_works(password: object, own_logins: RotatedLogins) -> None:
    arn = own_logins.arns["app"]
    content = json.loads(own_logins.manager.client.get_secret_value(SecretId=arn)["SecretString"])
    own_logins.manager.client.put_secret_value(SecretId=arn, SecretString=json.dumps({**content, "password": password}))
    with pytest.raises(SecretError, match=r"no usable 'password'.*rotate the secret"):
        own_logins.bootstrap()
    own_logins.rotate()
    assert own_logins.bootstrap() == ["kept", "kept"]


@pytest.mark.parametrize(
    ("label", "text"), [("AWSPREVIOUS", "[7]"), ("AWSPREVIOUS", '{"username": "stranger"}'), ("AWSPENDING", None)]
)
def test_a_restored_credential_leaves_the_alternate_login_only_a_password_that_a_secret_has(
    label: str, text: str | None, own_logins: RotatedLogins
) -> None:
    own_logins.rotate()
    if text is None:
        own_logins.step(Step.CREATE, own_logins.begin())
    else:
        current = own_logins.content()
        own_logins.put(text)
        own_logins.put(json.dumps(current))
        assert own_logins.manager.client.get_secret_value(SecretId=own_logins.arns["app"], VersionStage=label)
    own_logins.by_hand("ALTER ROLE {serving} PASSWORD 'old'", "ALTER ROLE {other} PASSWORD 'leaked'")
    assert own_logins.bootstrap() == ["restored", "kept"]
    assert own_logins.logs_in()
    stored = own_logins.cellar.as_superuser(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{own_logins.other()}'")
    if text is not None:
        assert stored == [[None]]
        return
    pending = own_logins.content(stage=label)
    with own_logins.cellar.database.connect(pending["username"], pending["password"]):
        assert pending["username"] == own_logins.other()


def test_eight_at_once_give_each_login_one_credential(bootstrap: Bootstrap) -> None:
    with ThreadPoolExecutor(8) as pool:
        outcomes = [future.result() for future in [pool.submit(bootstrap.outcomes) for _ in range(8)]]
    assert sorted(outcomes) == [["created", "created"], *([["kept", "kept"]] * 7)]
    assert bootstrap.logs_in("app")


def test_a_crash_before_the_secret_is_written_is_made_good_by_the_next_run(
    bootstrap: Bootstrap, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_arguments: object) -> str:
        raise SecretError("The secret cannot be written.")

    with monkeypatch.context() as patched:
        patched.setattr(SecretStore, "publish", crash)
        with pytest.raises(SecretError):
            bootstrap.run()
    assert bootstrap.store.current(bootstrap.arns[bootstrap.cellar.role("app")]) is None
    assert bootstrap.outcomes() == ["created", "created"]
    assert bootstrap.logs_in("app")


def test_a_login_whose_connections_are_all_in_use_is_not_taken_for_broken(bootstrap: Bootstrap) -> None:
    bootstrap.run()
    content = bootstrap.content("app")
    held = [bootstrap.cellar.database.connect(content["username"], content["password"]) for _ in range(5)]
    for connection in held:
        connection.__enter__()
    try:
        assert bootstrap.outcomes() == ["kept", "kept"]
    finally:
        for connection in held:
            connection.__exit__(None, None, None)


def test_no_password_reaches_the_servers_log_its_statistics_or_an_error(bootstrap: Bootstrap) -> None:
    report = bootstrap.run()
    arn = bootstrap.arns[bootstrap.cellar.role("app")]
    nobody = bootstrap.cellar.role("stranger")
    with bootstrap.cellar.master() as connection, pytest.raises(SecretError, match="has the login role"):
        ensure_credential(connection, bootstrap.cellar.endpoint, bootstrap.store, nobody, arn)
    bootstrap.cellar.as_superuser("DROP ROLE {app_a}")
    with bootstrap.cellar.master() as connection, pytest.raises(StatementError) as refused:
        ensure_credential(connection, bootstrap.cellar.endpoint, bootstrap.store, bootstrap.cellar.role("app"), arn)
    bootstrap.cellar.as_superuser("CREATE EXTENSION pg_stat_statements")
    statistics = str(bootstrap.cellar.as_superuser("SELECT query FROM pg_stat_statements"))
    log = bootstrap.cellar.database.cluster.log.read_text()
    assert "SCRAM-SHA-256" in log, "the log does see the statements"
    for login in ("app", "migrator"):
        password = bootstrap.content(login)["password"]
        for place in (log, statistics, json.dumps(report), str(refused.value), repr(refused.value)):
            assert password not in place


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"action": "destroy"}, "must be 'apply'", id="an action that is not known"),
        pytest.param({"expected_digest": "sha256:12"}, "must be a digest that plan returned", id="no digest"),
        pytest.param({"surprise": 1}, "must have action, document and secret_arns", id="a key too many"),
        pytest.param({"secret_arns": {}}, "must name exactly the document's rotated logins", id="a secret that lacks"),
        pytest.param({"secret_arns": ["arn"]}, "must map each rotated login", id="secrets that are not a mapping"),
    ],
)
def test_an_event_that_is_wrong_is_refused(change: dict[str, Any], message: str, bootstrap: Bootstrap) -> None:
    event = {"action": "apply", "document": bootstrap.cellar.raw, "secret_arns": bootstrap.arns, **change}
    with pytest.raises(EventError, match=message):
        ApplyEvent.parse(event)


def test_secrets_manager_that_refuses_is_named_with_its_answer(bootstrap: Bootstrap) -> None:
    refusal = botocore.exceptions.ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Get")

    @dataclass
    class Refusing:
        exceptions: Any = bootstrap.client.exceptions

        def get_secret_value(self, **_named: str) -> None:
            raise refusal

    with pytest.raises(SecretError, match=r"cannot be read: .*AccessDenied"):
        SecretStore(Refusing()).current("arn")  # type: ignore[arg-type]
