"""Logins by IAM token on a database of the local AWS: who gets in, and everybody who does not."""

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import boto3
import pg8000.exceptions
import pg8000.native
import pytest
from botocore.compat import get_current_datetime

from rehearsal.aws import databases
from tests.support.local_aws import ACCOUNT_ID, REGION, allow, policy
from tests.support.moto_server import MotoServer, moto_server

pytestmark = pytest.mark.database

REPORT = "beers_report"
PASSWORD = "the-password-of-all-who-have-one"
PAM = f'28000 PAM authentication failed for user "{REPORT}"'


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoServer]:
    with moto_server(tmp_path_factory.mktemp("run")) as server:
        room = databases.install(server.context)
        yield server
        room.stop()


@pytest.fixture(scope="module")
def instance(aws: MotoServer) -> dict[str, Any]:
    """An instance with IAM authentication: a login by token, and one with a password."""
    rds = aws.client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier="taproom-dev",
        Engine="postgres",
        EngineVersion="17",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        DBName="beers",
        MasterUsername="dbmaster",
        MasterUserPassword=PASSWORD,
        EnableIAMDatabaseAuthentication=True,
    )
    deadline = time.monotonic() + 60
    while (found := rds.describe_db_instances()["DBInstances"][0])["DBInstanceStatus"] != "available":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    with closing(connection(aws, found, "dbmaster", PASSWORD)) as master:
        # With a password too, which must not let it in.
        master.run(f"CREATE ROLE {REPORT} LOGIN PASSWORD '{PASSWORD}'")
        master.run(f"GRANT rds_iam TO {REPORT}")
        master.run(f"CREATE ROLE beers_app LOGIN PASSWORD '{PASSWORD}'")
    described: dict[str, Any] = found
    return described


@pytest.fixture(scope="module")
def analyst(aws: MotoServer, instance: dict[str, Any]) -> dict[str, str]:
    """Credentials of somebody who may log in as the login for reports."""
    return role(aws, "analyst", allow("rds-db:connect", user_arn(instance, REPORT)))


def user_arn(instance: dict[str, Any], user: str) -> str:
    return f"arn:aws:rds-db:{REGION}:{ACCOUNT_ID}:dbuser:{instance['DbiResourceId']}/{user}"


def role(aws: MotoServer, name: str, *statements: dict[str, Any]) -> dict[str, str]:
    """Credentials of a new role with these permissions."""
    iam = aws.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy()))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy(*statements)))
    issued: dict[str, str] = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName=name)["Credentials"]
    return issued


def token(keys: dict[str, str], instance: dict[str, Any], user: str = REPORT, **other: Any) -> str:
    """A token as any program makes one with AWS's own library."""
    client = boto3.client(
        "rds",
        region_name=other.get("region", REGION),
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    endpoint = instance["Endpoint"]
    made: str = client.generate_db_auth_token(
        DBHostname=other.get("host", endpoint["Address"]), Port=other.get("port", endpoint["Port"]), DBUsername=user
    )
    return made


def connection(
    aws: MotoServer, instance: dict[str, Any], user: str, password: str, *, tls: bool = True
) -> pg8000.native.Connection:
    return pg8000.native.Connection(
        user,
        password=password,
        host=instance["Endpoint"]["Address"],
        port=instance["Endpoint"]["Port"],
        database="beers",
        ssl_context=ssl.create_default_context(cafile=str(aws.context.authority.ca_file)) if tls else False,
        timeout=20,
    )


def refused(aws: MotoServer, instance: dict[str, Any], user: str, password: str, *, tls: bool = True) -> str:
    """The code and the message with which the server refuses."""
    with pytest.raises(pg8000.exceptions.DatabaseError) as error:
        connection(aws, instance, user, password, tls=tls)
    fields = error.value.args[0]
    assert password not in str(fields)
    return f"{fields['C']} {fields['M']}"


def why(aws: MotoServer) -> str:
    """The reason in the journal for the last refusal of a token."""
    events = [json.loads(line) for line in aws.context.journal.path.read_text().splitlines()]
    return str([event["refused"] for event in events if event["kind"] == "database.token"][-1])


def test_a_good_token_logs_in_over_tls(aws: MotoServer, instance: dict[str, Any], analyst: dict[str, str]) -> None:
    with closing(connection(aws, instance, REPORT, token(analyst, instance))) as entered:
        assert entered.run("SELECT current_user, current_database()") == [[REPORT, "beers"]]


def test_a_token_is_good_more_than_once_and_for_many_at_a_time(
    aws: MotoServer, instance: dict[str, Any], analyst: dict[str, str]
) -> None:
    good = token(analyst, instance)
    names: list[Any] = []

    def enter() -> None:
        with closing(connection(aws, instance, REPORT, good)) as entered:
            names.extend(entered.run("SELECT current_user FROM pg_sleep(0.2)"))

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names == [[REPORT]] * 8


@pytest.mark.parametrize("minutes", [14, 16, -4, -6])
def test_a_token_is_good_for_a_quarter_of_an_hour_and_clocks_may_differ_by_five_minutes(
    aws: MotoServer,
    instance: dict[str, Any],
    analyst: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    minutes: int,
) -> None:
    signed_at = get_current_datetime() - timedelta(minutes=minutes)
    with monkeypatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda: signed_at)
        old = token(analyst, instance)
    if -5 < minutes < 15:
        connection(aws, instance, REPORT, old).close()
    else:
        assert refused(aws, instance, REPORT, old) == PAM
        assert "has expired, or is from the future" in why(aws)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(lambda good: good[:-1] + ("0" if good[-1] != "0" else "1"), "signature is wrong", id="signature"),
        pytest.param(lambda good: good.replace("Expires=900", "Expires=901"), "signature is wrong", id="lifetime"),
        pytest.param(lambda good: good.replace(REPORT, "beers_app"), "another user", id="user"),
        pytest.param(
            lambda good: good.replace("Action=connect", "Action=delete"), "another user or action", id="action"
        ),
        pytest.param(lambda good: good.replace("rds-db", "rds"), "another service", id="service"),
        pytest.param(lambda good: good.replace("Security-Token=", "Security-Token=x"), "session", id="session"),
        pytest.param(lambda good: good.replace("Credential=", "Credential=X"), "is no role's", id="access key"),
        pytest.param(lambda good: good.partition("?")[0], "is no token", id="only the address"),
        pytest.param(lambda good: "x" * 2000, "is no token", id="something long"),
    ],
)
def test_a_token_that_was_tampered_with_is_refused(
    aws: MotoServer, instance: dict[str, Any], analyst: dict[str, str], change: Any, reason: str
) -> None:
    assert refused(aws, instance, REPORT, change(token(analyst, instance))) == PAM
    assert reason in why(aws)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        pytest.param({"host": "localhost"}, "is for localhost", id="host"),
        pytest.param({"port": 5432}, "is for 127.0.0.1:5432", id="port"),
        pytest.param({"region": "eu-central-1"}, "another service, region", id="region"),
        pytest.param({"user": "beers_app"}, "another user", id="user"),
    ],
)
def test_a_good_token_for_something_else_is_refused(
    aws: MotoServer, instance: dict[str, Any], analyst: dict[str, str], other: dict[str, Any], reason: str
) -> None:
    assert refused(aws, instance, REPORT, token(analyst, instance, **other)) == PAM
    assert reason in why(aws)


@pytest.mark.parametrize(
    ("name", "action", "resource"),
    [
        pytest.param("nobody", "rds-db:connect", "dbuser:{}/somebody_else", id="another user"),
        pytest.param("stranger", "rds-db:connect", "dbuser:db-OTHER/beers_report", id="another instance"),
        pytest.param("reader", "rds:Describe*", "dbuser:{}/beers_report", id="another action"),
    ],
)
def test_a_token_of_somebody_who_may_something_else_is_refused(
    aws: MotoServer, instance: dict[str, Any], name: str, action: str, resource: str
) -> None:
    arn = f"arn:aws:rds-db:{REGION}:{ACCOUNT_ID}:{resource.format(instance['DbiResourceId'])}"
    assert refused(aws, instance, REPORT, token(role(aws, name, allow(action, arn)), instance)) == PAM
    assert "may not rds-db:connect" in why(aws)


def test_a_permission_that_is_taken_away_counts_at_once(aws: MotoServer, instance: dict[str, Any]) -> None:
    keys = role(aws, "leaver", allow("rds-db:connect", user_arn(instance, REPORT)))
    good = token(keys, instance)
    connection(aws, instance, REPORT, good).close()
    aws.client("iam").delete_role_policy(RoleName="leaver", PolicyName="own")
    assert refused(aws, instance, REPORT, good) == PAM


def test_a_member_of_rds_iam_has_no_password(aws: MotoServer, instance: dict[str, Any]) -> None:
    assert refused(aws, instance, REPORT, PASSWORD) == PAM


def test_a_token_is_no_password_for_those_who_have_one(aws: MotoServer, instance: dict[str, Any]) -> None:
    keys = role(aws, "everybody", allow("rds-db:connect", "*"))
    for user in ("beers_app", "dbmaster"):
        said = refused(aws, instance, user, token(keys, instance, user))
        assert said == f'28P01 password authentication failed for user "{user}"'
        connection(aws, instance, user, PASSWORD).close()


def test_without_tls_nobody_is_asked_for_a_token(
    aws: MotoServer, instance: dict[str, Any], analyst: dict[str, str]
) -> None:
    for user in (REPORT, "beers_app"):
        said = refused(aws, instance, user, token(analyst, instance), tls=False)
        assert said.startswith("28000 ")
        assert "no encryption" in said


def test_whoever_has_a_password_is_passed_on_unchanged(aws: MotoServer, instance: dict[str, Any]) -> None:
    with closing(connection(aws, instance, "beers_app", PASSWORD)) as entered:
        assert entered.run("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == [[True]]
        # More than any buffer on the way, in both directions.
        text = "x" * 5_000_000
        assert entered.run("SELECT :text || :text", text=text) == [[text * 2]]


def test_a_session_that_the_server_ends_ends(
    aws: MotoServer, instance: dict[str, Any], analyst: dict[str, str]
) -> None:
    with (
        closing(connection(aws, instance, "dbmaster", PASSWORD)) as master,
        closing(connection(aws, instance, REPORT, token(analyst, instance))) as entered,
    ):
        (pid,) = entered.run("SELECT pg_backend_pid()")[0]
        master.run(f"GRANT {REPORT} TO dbmaster")
        assert master.run(f"SELECT pg_terminate_backend({pid})") == [[True]]
        with pytest.raises(pg8000.exceptions.Error, match=r"57P01|network error"):
            entered.run("SELECT 1")


def test_no_token_stands_in_a_log(aws: MotoServer, instance: dict[str, Any], analyst: dict[str, str]) -> None:
    good = token(analyst, instance)
    connection(aws, instance, REPORT, good).close()
    signature = good.rpartition("=")[2]
    logs = [path for path in aws.context.settings.logs_directory.iterdir() if path.is_file()]
    assert [
        log.name for log in logs if signature in log.read_text() or quote(analyst["SessionToken"]) in log.read_text()
    ] == []
