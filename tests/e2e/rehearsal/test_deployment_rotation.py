"""Credentials are replaced under load, during deployments and against all odds; the tests run in this order."""

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore.exceptions
import pg8000.exceptions
import pytest

from devtools.checkout import CHECKOUT
from devtools.errors import UserError
from devtools.load import Load
from rehearsal.rotate import rotate
from tests.support.documents import beers
from tests.support.local_aws import allow, policy
from tests.support.rehearsal import (
    Rehearsal,
    connected,
    database_folder,
    denied,
    image_of_changed_service,
    login,
    master,
    quiet,
    superuser,
)
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(1800)]

LOGINS = ("beers_app", "beers_migrator")
FUNCTION = "taproom-dev-rotation"
TOPIC = "taproom-dev-on-call"
WATCH = "taproom-dev-rotation-watch"


@pytest.fixture(scope="module")
def topic(rehearsal: Rehearsal) -> Iterator[str]:
    """An SNS topic that EventBridge may publish to, with a queue that keeps its messages."""
    queue = rehearsal.aws("sqs").create_queue(QueueName=TOPIC)["QueueUrl"]
    arn = rehearsal.aws("sns").create_topic(Name=TOPIC)["TopicArn"]
    let_in = allow("sns:Publish", arn, Principal={"Service": "events.amazonaws.com"})
    rehearsal.aws("sns").set_topic_attributes(
        TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(policy(let_in))
    )
    queue_arn = f"arn:aws:sqs:us-east-1:123456789012:{queue.rpartition('/')[2]}"
    rehearsal.aws("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)
    yield arn
    rehearsal.aws("sns").delete_topic(TopicArn=arn)
    rehearsal.aws("sqs").delete_queue(QueueUrl=queue)


def impatient_settings() -> str:
    """The service's settings with a pool that opens new connections all the time: a stale credential shows at once."""
    text = (CHECKOUT / "app" / "settings.py").read_text()
    changed, count = re.subn(r"(pool_recycle_seconds: .*) = 900\n", r"\1 = 1\n", text)
    assert count == 1
    return changed


def secret_arn(rehearsal: Rehearsal, name: str) -> str:
    arn: str = rehearsal.outputs["login_secret_arns"][name]
    return arn


def begin(rehearsal: Rehearsal, name: str) -> str:
    """Begin a rotation; the id of the version that is to become current."""
    answer = rehearsal.aws("secretsmanager").rotate_secret(SecretId=secret_arn(rehearsal, name))
    token: str = answer["VersionId"]
    return token


def end_of(rehearsal: Rehearsal, token: str) -> str:
    """Return how a rotation ended last, once it has."""
    wait_until(lambda: ends_of(rehearsal, token), f"the end of the rotation to {token}")
    return ends_of(rehearsal, token)[-1]


def ends_of(rehearsal: Rehearsal, token: str) -> list[str]:
    ends = ("rotation.succeeded", "rotation.abandoned")
    events = [event for event in rehearsal.journal("rotation.") if event.get("version_id") == token]
    return [event["kind"].removeprefix("rotation.") for event in events if event["kind"] in ends]


def rotated(rehearsal: Rehearsal, name: str) -> str:
    """Rotate a login; the login role that is current then."""
    before = login(rehearsal, name)["username"]
    assert end_of(rehearsal, begin(rehearsal, name)) == "succeeded"
    current = login(rehearsal, name)
    assert {before, current["username"]} == {f"{name}_a", f"{name}_b"}
    assert logs_in(rehearsal, current)
    return str(current["username"])


def logs_in(rehearsal: Rehearsal, credential: dict[str, Any]) -> bool:
    try:
        with connected(rehearsal, credential) as connection:
            return bool(connection.run("SELECT session_user::text") == [[credential["username"]]])
    except pg8000.exceptions.Error:
        return False


def load(rehearsal: Rehearsal) -> Load:
    return Load([urlsplit(rehearsal.client.url).netloc], 4, rehearsal.client.token, pause_seconds=0.02)


def every_beer_once(rehearsal: Rehearsal, names: list[str]) -> bool:
    with superuser(rehearsal) as connection:
        found = Counter(row[0] for row in connection.run("SELECT name FROM beers.beers WHERE name LIKE 'Load %'"))
    return {name: found[name] for name in names} == dict.fromkeys(names, 1)


def test_each_login_and_the_master_has_a_rotation_schedule_and_only_testsecret_has_run(
    rehearsal: Rehearsal,
) -> None:
    secrets = rehearsal.aws("secretsmanager")
    schedules: dict[str, list[dict[str, int]]] = {}
    for secret in secrets.list_secrets()["SecretList"]:
        described = secrets.describe_secret(SecretId=secret["ARN"])
        if "/write-token-" in described["Name"]:
            continue  # people put another when they want one
        assert described["RotationEnabled"]
        function = described.get("RotationLambdaARN", "RDS").rpartition(":")[2]
        schedules.setdefault(function, []).append(described["RotationRules"])
    assert schedules == {FUNCTION: [{"AutomaticallyAfterDays": 30}] * 2, "RDS": [{"AutomaticallyAfterDays": 7}]}
    assert {event["step"] for event in rehearsal.journal("rotation.step")} == {"testSecret"}
    assert rehearsal.journal("rotation.failed") == []


def test_rotation_during_a_deployment_loses_no_request(rehearsal: Rehearsal, topic: str, tmp_path: Path) -> None:
    secrets = rehearsal.aws("secretsmanager")
    before = master(rehearsal)
    secrets.rotate_secret(SecretId=master_secret_arn(rehearsal))
    assert master(rehearsal) != before
    access = beers()
    access["logins"]["beers_app"]["connection_limit"] = 119
    digest = image_of_changed_service(rehearsal, tmp_path, {"app/settings.py": impatient_settings()})
    variables = {
        **rehearsal.deployment.variables(digest),
        "access": access,  # so that the bootstrap runs as well, with the master's new password
        "alarm_topic_arns": [topic],
    }
    with load(rehearsal) as clients, ThreadPoolExecutor(1) as pool:
        applying = pool.submit(rehearsal.deployment.environment.apply, variables, quiet, "dev.tfvars")
        wait_until(lambda: applying.done() or len(deployment_ids(rehearsal)) > 1)
        for name in LOGINS:
            rotated(rehearsal, name)
        assert not applying.done(), "the rotations were in the middle of it"
        applying.result()
        rotated(rehearsal, "beers_app")  # the first credential is no longer valid
        clients.wait_for(clients.requests + 200)
    rehearsal.digest = digest
    outputs = rehearsal.deployment.environment.outputs()
    assert any("CONNECTION LIMIT 119" in change["sql"] for change in outputs["access_report"]["changes"])
    assert clients.failures == []
    assert every_beer_once(rehearsal, clients.added)


def test_master_rotation_between_two_steps_does_not_fail_the_rotation_of_a_login(rehearsal: Rehearsal) -> None:
    token = begin(rehearsal, "beers_app")
    wait_until(lambda: any(event["version_id"] == token for event in rehearsal.journal("rotation.step")))
    rehearsal.aws("secretsmanager").rotate_secret(SecretId=master_secret_arn(rehearsal))
    assert end_of(rehearsal, token) == "succeeded"
    assert logs_in(rehearsal, login(rehearsal, "beers_app"))


def test_a_missing_permission_fails_a_rotation_step_notifies_the_topic_and_a_retry_succeeds(
    rehearsal: Rehearsal,
) -> None:
    permission = allow("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:*:*:secret:rds!*")
    before = login(rehearsal, "beers_app")
    messages(rehearsal)
    with denied(rehearsal, FUNCTION, permission):
        token = begin(rehearsal, "beers_app")
        assert end_of(rehearsal, token) == "abandoned"
    failures = [event for event in rehearsal.journal("rotation.failed") if event["version_id"] == token]
    assert {event["step"] for event in failures} == {"setSecret"}
    assert all("AccessDenied" in event["error"] for event in failures)
    assert login(rehearsal, "beers_app") == before
    assert logs_in(rehearsal, before)
    told = messages(rehearsal)
    assert told
    failed = f"RotationFailed of {secret_arn(rehearsal, 'beers_app')}"
    assert all(failed in text and "setSecret" in text for text in told)
    go_on(rehearsal, "beers_app", token)
    assert login(rehearsal, "beers_app")["username"] != before["username"]


def test_an_overdue_rotation_sets_off_the_alarm(rehearsal: Rehearsal) -> None:
    secrets, arn = rehearsal.aws("secretsmanager"), master_secret_arn(rehearsal)
    look(rehearsal, "OK")
    assert alarm(rehearsal, "not-watched") == "OK"
    secrets.cancel_rotate_secret(SecretId=arn)
    look(rehearsal, "ALARM")
    secrets.rotate_secret(SecretId=arn, RotateImmediately=False)
    look(rehearsal, "OK")


def look(rehearsal: Rehearsal, state: str) -> None:
    """Let the watch over rotations look until the alarm has heard of it: two looks within its period are one to it."""
    deadline = time.monotonic() + 240
    rehearsal.run.invoke_schedule(WATCH)
    while (found := alarm(rehearsal, "overdue")) != state:
        assert time.monotonic() < deadline, f"the alarm is {found}, not {state}"
        time.sleep(2)
        rehearsal.run.invoke_schedule(WATCH)


def test_rotate_command_shows_each_step_and_fails_if_a_rotation_does(
    rehearsal: Rehearsal, capsys: pytest.CaptureFixture[str]
) -> None:
    rotate(rehearsal.run, "beers_migrator")
    said = capsys.readouterr().out
    assert re.findall(r"(\w+Secret) +done in", said) == ["createSecret", "setSecret", "testSecret", "finishSecret"]
    assert "1 of 1 rotated in 4 steps, 0 failed attempts." in said
    assert re.search(r"\d+ requests in [\d.]+ s, 0 failed; \d+ beers added\.", said)
    with (
        server_refuses(rehearsal, "beers_migrator_a"),
        server_refuses(rehearsal, "beers_migrator_b"),
        pytest.raises(UserError, match="Something failed"),
    ):
        rotate(rehearsal.run, "beers_migrator")
    assert "given up after the last attempt; what is current stays" in capsys.readouterr().out
    rotate(rehearsal.run, "beers_migrator")
    assert "an earlier rotation did not end; it is attempted again" in capsys.readouterr().out


def test_rotate_command_names_the_logins_when_one_does_not_exist(rehearsal: Rehearsal) -> None:
    with pytest.raises(UserError, match="no rotated login 'nobody'; there is beers_app, beers_migrator, master"):
        rotate(rehearsal.run, "nobody")


def go_on(rehearsal: Rehearsal, name: str, token: str) -> None:
    """Have Secrets Manager attempt a rotation again that it had given up."""
    with pytest.raises(botocore.exceptions.ClientError, match="That rotation will be reattempted"):
        begin(rehearsal, name)
    wait_until(lambda: end_of(rehearsal, token) == "succeeded")
    assert logs_in(rehearsal, login(rehearsal, name))


@contextmanager
def server_refuses(rehearsal: Rehearsal, user: str) -> Iterator[None]:
    """The server refuses one login role with any password."""
    rules = database_folder(rehearsal) / "data" / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"hostssl all {user} all reject\n{before}")
    try:
        reload(rehearsal)
        yield
    finally:
        rules.write_text(before)
        reload(rehearsal)


def reload(rehearsal: Rehearsal) -> None:
    with superuser(rehearsal) as connection:
        connection.run("SELECT pg_reload_conf()")


def messages(rehearsal: Rehearsal) -> list[str]:
    """Return the topic's messages about rotations since the last call."""
    sqs = rehearsal.aws("sqs")
    url = sqs.get_queue_url(QueueName=TOPIC)["QueueUrl"]
    told = []
    while received := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in received:
            told.append(json.loads(message["Body"])["Message"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [text for text in told if "Rotation" in text]


def master_secret_arn(rehearsal: Rehearsal) -> str:
    arn: str = rehearsal.aws("rds").describe_db_instances()["DBInstances"][0]["MasterUserSecret"]["SecretArn"]
    return arn


def deployment_ids(rehearsal: Rehearsal) -> list[str]:
    service = rehearsal.aws("ecs").describe_services(
        cluster=rehearsal.outputs["cluster_name"], services=[rehearsal.outputs["service_name"]]
    )["services"][0]
    return [deployment["id"] for deployment in service["deployments"]]


def alarm(rehearsal: Rehearsal, name: str) -> str:
    described = rehearsal.aws("cloudwatch").describe_alarms(AlarmNames=[f"{FUNCTION}-{name}"])
    state: str = described["MetricAlarms"][0]["StateValue"]
    return state
