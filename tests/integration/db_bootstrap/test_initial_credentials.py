"""First credentials, on a real PostgreSQL."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import botocore.exceptions
import pytest

from db_bootstrap.credentials.initial import ensure_credential
from db_bootstrap.credentials.store import SecretStore
from db_bootstrap.errors import SecretError, StatementError
from tests.support.access import Access
from tests.support.rotation import RotatedLogins, SecretsManager

pytestmark = pytest.mark.database


@pytest.fixture
def new_logins(cellar: Access, manager: SecretsManager) -> RotatedLogins:
    """Logins with empty secrets, as Terraform makes them."""
    return RotatedLogins(cellar, manager, is_new=True)


def test_the_first_run_gives_each_login_a_credential_that_logs_in(new_logins: RotatedLogins) -> None:
    assert new_logins.bootstrap() == ["created", "created"]
    assert new_logins.logs_in()
    assert new_logins.logs_in("migrator")
    endpoint = new_logins.cellar.endpoint
    content = new_logins.content()
    assert {key: content[key] for key in content if key != "password"} == {
        "engine": "postgres",
        "host": endpoint.host,
        "port": endpoint.port,
        "dbname": endpoint.database,
        "username": new_logins.cellar.role("app_a"),
    }


@pytest.mark.parametrize(
    "by_hand",
    [
        pytest.param("ALTER ROLE {app_a} PASSWORD 'guessed'", id="the password was changed"),
        pytest.param("ALTER ROLE {app_a} PASSWORD NULL", id="the password is gone"),
        pytest.param("DROP ROLE {app_a}", id="the login is gone"),
    ],
)
def test_a_credential_that_no_longer_logs_in_is_restored_from_its_secret(
    by_hand: str, own_logins: RotatedLogins
) -> None:
    before = own_logins.content()
    own_logins.cellar.as_superuser(by_hand)
    assert own_logins.bootstrap() == ["restored", "kept"]
    assert own_logins.content() == before
    assert own_logins.logs_in()


def test_a_secret_that_leads_to_another_database_is_published_again(own_logins: RotatedLogins) -> None:
    content = own_logins.content()
    arn = own_logins.arns["app"]
    own_logins.manager.client.put_secret_value(
        SecretId=arn, SecretString=json.dumps({**content, "host": "the-old-database"})
    )
    assert own_logins.bootstrap() == ["restored", "kept"]
    assert own_logins.content() == content


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
    content: dict[str, Any] | str, field: str, new_logins: RotatedLogins
) -> None:
    good = {"username": new_logins.cellar.database.master, "password": new_logins.cellar.database.password}
    value = content if isinstance(content, str) else json.dumps(good | content)
    new_logins.manager.client.put_secret_value(SecretId=new_logins.master_arn, SecretString=value)
    with pytest.raises(SecretError, match=field) as refused:
        new_logins.bootstrap()
    assert new_logins.master_arn in str(refused.value)
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


def test_an_alternate_login_whose_password_no_secret_has_gets_none(own_logins: RotatedLogins) -> None:
    current = json.dumps(own_logins.content())
    for text in ("[7]", current):
        own_logins.put(text)
    own_logins.by_hand("ALTER ROLE {serving} PASSWORD 'old'", "ALTER ROLE {other} PASSWORD 'leaked'")
    assert own_logins.bootstrap() == ["restored", "kept"]
    stored = f"SELECT rolpassword FROM pg_authid WHERE rolname = '{own_logins.other()}'"
    assert own_logins.cellar.as_superuser(stored) == [[None]]


def test_eight_concurrent_applies_give_each_login_one_credential(new_logins: RotatedLogins) -> None:
    with ThreadPoolExecutor(8) as pool:
        outcomes = [future.result() for future in [pool.submit(new_logins.bootstrap) for _ in range(8)]]
    assert sorted(outcomes) == [["created", "created"], *([["kept", "kept"]] * 7)]
    assert new_logins.logs_in()


def test_a_login_whose_connections_are_all_in_use_is_not_taken_for_broken(own_logins: RotatedLogins) -> None:
    content = own_logins.content()
    with ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(own_logins.cellar.database.connect(content["username"], content["password"]))
        assert own_logins.bootstrap() == ["kept", "kept"]


def test_no_password_reaches_the_servers_log_its_statistics_or_an_error(new_logins: RotatedLogins) -> None:
    report = new_logins.report()
    arn = new_logins.arns["app"]
    nobody = new_logins.cellar.role("stranger")
    with new_logins.cellar.master() as connection, pytest.raises(SecretError, match="has the login role"):
        ensure_credential(connection, new_logins.cellar.endpoint, new_logins.store, nobody, arn)
    new_logins.cellar.as_superuser("DROP ROLE {app_a}")
    with new_logins.cellar.master() as connection, pytest.raises(StatementError) as refused:
        ensure_credential(connection, new_logins.cellar.endpoint, new_logins.store, new_logins.cellar.role("app"), arn)
    new_logins.cellar.as_superuser("CREATE EXTENSION pg_stat_statements")
    statistics = str(new_logins.cellar.as_superuser("SELECT query FROM pg_stat_statements"))
    log = new_logins.cellar.database.cluster.log.read_text()
    assert "SCRAM-SHA-256" in log, "the log does see the statements"
    for login in ("app", "migrator"):
        password = new_logins.content(login)["password"]
        for place in (log, statistics, json.dumps(report), str(refused.value), repr(refused.value)):
            assert password not in place


def test_secrets_manager_that_refuses_is_named_with_its_answer(new_logins: RotatedLogins) -> None:
    refusal = botocore.exceptions.ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Get")

    @dataclass
    class Refusing:
        exceptions: Any = new_logins.manager.client.exceptions

        def get_secret_value(self, **_named: str) -> None:
            raise refusal

    with pytest.raises(SecretError, match=r"cannot be read: .*AccessDenied"):
        SecretStore(Refusing()).current("arn")  # type: ignore[arg-type]
