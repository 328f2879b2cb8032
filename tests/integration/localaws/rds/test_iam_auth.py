"""Logins by IAM token on a database of the local AWS: accepted and refused ones."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pg8000.exceptions
import pytest
from botocore.compat import get_current_datetime

from tests.support.token_database import MASTER, PASSWORD, TokenDatabase, token_database

pytestmark = pytest.mark.database

REPORT = "beers_report"
PAM = f'28000 PAM authentication failed for user "{REPORT}"'


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenDatabase]:
    """A login by token, which has a password too that must not let it in, and a login with a password."""
    statements = (
        f"CREATE ROLE {REPORT} LOGIN PASSWORD '{PASSWORD}'",
        f"GRANT rds_iam TO {REPORT}",
        f"CREATE ROLE beers_app LOGIN PASSWORD '{PASSWORD}'",
    )
    with token_database(tmp_path_factory.mktemp("run"), *statements) as database:
        yield database


@pytest.fixture(scope="module")
def analyst(database: TokenDatabase) -> dict[str, str]:
    """Credentials that can log in as the login for reports."""
    return database.role("analyst", database.user_arn(REPORT))


def refused(database: TokenDatabase, user: str, password: str, *, tls: bool = True) -> str:
    """The code and the message with which the server refuses."""
    with pytest.raises(pg8000.exceptions.DatabaseError) as error:
        database.connect(user, password, tls=tls)
    fields = error.value.args[0]
    assert password not in str(fields)
    return f"{fields['C']} {fields['M']}"


def why(database: TokenDatabase) -> str:
    """The reason in the journal for the last refusal of a token."""
    events = [json.loads(line) for line in database.aws.context.journal.path.read_text().splitlines()]
    return str([event["refused"] for event in events if event["kind"] == "database.token"][-1])


@pytest.mark.parametrize("minutes", [14, 16, -4, -6])
def test_a_token_is_valid_for_15_minutes_and_clocks_can_differ_by_five(
    database: TokenDatabase, analyst: dict[str, str], monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    signed_at = get_current_datetime() - timedelta(minutes=minutes)
    with monkeypatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda: signed_at)
        old = database.token(analyst, REPORT)
    if -5 < minutes < 15:
        database.connect(REPORT, old).close()
    else:
        assert refused(database, REPORT, old) == PAM
        assert "has expired, or is from the future" in why(database)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(lambda good: good[:-1] + ("0" if good[-1] != "0" else "1"), "signature is wrong", id="signature"),
        pytest.param(lambda good: good.replace("Expires=900", "Expires=901"), "signature is wrong", id="lifetime"),
        pytest.param(lambda good: good.replace(REPORT, "beers_app"), "another user", id="user"),
        pytest.param(lambda good: good.replace("Action=connect", "Action=delete"), "user or action", id="action"),
        pytest.param(lambda good: good.replace("rds-db", "rds"), "another service", id="service"),
        pytest.param(lambda good: good.replace("Security-Token=", "Security-Token=x"), "session", id="session"),
        pytest.param(lambda good: good.replace("Credential=", "Credential=X"), "is not a role's", id="access key"),
        pytest.param(lambda good: good.partition("?")[0], "is not a token", id="only the address"),
        pytest.param(lambda _: "x" * 2000, "is not a token", id="something long"),
        pytest.param(lambda _: "[x", "is not a token", id="something that is not an address"),
    ],
)
def test_a_token_that_was_tampered_with_is_refused(
    database: TokenDatabase, analyst: dict[str, str], change: Callable[[str], str], reason: str
) -> None:
    assert refused(database, REPORT, change(database.token(analyst, REPORT))) == PAM
    assert reason in why(database)


@pytest.mark.aws("RDS-20")
@pytest.mark.parametrize(
    ("other", "reason"),
    [
        pytest.param({"host": "localhost"}, "is for localhost", id="host"),
        pytest.param({"port": 5432}, "is for 127.0.0.1:5432", id="port"),
        pytest.param({"region": "eu-central-1"}, "another service, region", id="region"),
    ],
)
def test_a_good_token_for_something_else_is_refused(
    database: TokenDatabase, analyst: dict[str, str], other: dict[str, Any], reason: str
) -> None:
    assert refused(database, REPORT, database.token(analyst, **{"user": REPORT, **other})) == PAM
    assert reason in why(database)


def test_a_token_of_a_role_without_the_permission_is_refused(database: TokenDatabase) -> None:
    roles = (
        database.role("other-user", database.user_arn("another")),
        database.role("other-instance", database.user_arn(REPORT, resource_id="db-OTHER")),
        database.role("other-action", database.user_arn(REPORT), action="rds:Describe*"),
    )
    for keys in roles:
        assert refused(database, REPORT, database.token(keys, REPORT)) == PAM
        assert "cannot rds-db:connect" in why(database)


@pytest.mark.aws("RDS-20")
def test_a_permission_that_is_taken_away_counts_at_once(database: TokenDatabase) -> None:
    good = database.token(database.role("leaver", database.user_arn(REPORT)), REPORT)
    database.connect(REPORT, good).close()
    database.aws.client("iam").delete_role_policy(RoleName="leaver", PolicyName="own")
    assert refused(database, REPORT, good) == PAM


@pytest.mark.aws("RDS-21")
def test_a_member_of_rds_iam_has_no_password(database: TokenDatabase) -> None:
    assert refused(database, REPORT, PASSWORD) == PAM


def test_a_token_is_no_password_for_those_who_have_one(database: TokenDatabase) -> None:
    keys = database.role("all", "*")
    for user in ("beers_app", MASTER):
        said = refused(database, user, database.token(keys, user))
        assert said == f'28P01 password authentication failed for user "{user}"'
        database.connect(user, PASSWORD).close()


def test_without_tls_the_proxy_asks_for_no_token(database: TokenDatabase, analyst: dict[str, str]) -> None:
    for user in (REPORT, "beers_app"):
        said = refused(database, user, database.token(analyst, REPORT), tls=False)
        assert said.startswith("28000 ")
        assert "no encryption" in said


def test_a_password_login_is_passed_on_unchanged(database: TokenDatabase) -> None:
    with closing(database.connect("beers_app", PASSWORD)) as entered:
        assert entered.run("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == [[True]]
        # More than any buffer on the way, in both directions.
        text = "x" * 5_000_000
        assert entered.run("SELECT CAST(:text AS text) || 'y'", text=text) == [[f"{text}y"]]


def test_no_token_is_in_a_log(database: TokenDatabase, analyst: dict[str, str]) -> None:
    good = database.token(analyst, REPORT)
    database.connect(REPORT, good).close()
    secrets = (good.rpartition("=")[2], quote(analyst["SessionToken"], safe=""), analyst["SecretAccessKey"])
    logs = [path.read_text() for path in database.aws.context.settings.logs_directory.iterdir() if path.is_file()]
    assert any("connection authorized: user=beers_report" in log for log in logs)
    assert [secret for secret in secrets for log in logs if secret in log] == []
