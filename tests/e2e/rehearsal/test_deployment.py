"""The whole, on one deployment; the tests run in this order."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import botocore.exceptions
import pg8000.exceptions
import pg8000.native
import pytest

from devtools.checkout import CHECKOUT
from devtools.postgres.binaries import Binaries
from rehearsal.aws import REGION, assume_role
from rehearsal.demo import STAGES, demo
from tests.support.http import Client
from tests.support.local_aws import policy
from tests.support.rehearsal import (
    COPY_REGION,
    MIGRATIONS,
    Rehearsal,
    connected,
    image_of_changed_service,
    login,
    master,
    migrations,
    quiet,
)
from tests.support.rehearsal_command import command, output_until
from tests.support.session_manager import install
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(1800)]


@contextmanager
def person(rehearsal: Rehearsal, document: str) -> Iterator[str]:
    """Yield the ARN of a role with this policy."""
    iam, name = rehearsal.aws("iam"), "a-person"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy()))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
    try:
        yield role
    finally:
        iam.delete_role_policy(RoleName=name, PolicyName="own")
        iam.delete_role(RoleName=name)


def test_a_first_apply_that_failed_at_the_service_is_finished_by_applying_again(
    rehearsal: Rehearsal,
) -> None:
    assert "not authorized to perform: ecs:CreateService" in rehearsal.failed_apply
    assert rehearsal.deployment.plan_environment(rehearsal.digest) is None


def test_the_backups_of_the_database_are_copied_to_another_region(rehearsal: Rehearsal) -> None:
    (copy,) = rehearsal.instance()["DBInstanceAutomatedBackupsReplications"]
    assert copy["DBInstanceAutomatedBackupsArn"].split(":")[3] == COPY_REGION


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
    assert schedules == {
        "taproom-dev-rotation": [{"AutomaticallyAfterDays": 30}] * 2,
        "RDS": [{"AutomaticallyAfterDays": 7}],
    }
    assert {event["step"] for event in rehearsal.journal("rotation.step")} == {"testSecret"}
    assert rehearsal.journal("rotation.failed") == []


def test_the_catalogue_is_empty_at_first_and_can_be_seeded_through_the_load_balancer(rehearsal: Rehearsal) -> None:
    assert rehearsal.client.get("/beers").status == 200
    assert rehearsal.client.post("/beers/seed").status in {200, 201}
    assert len(rehearsal.client.get("/beers").body["beers"]) > 0


def test_a_new_write_token_is_accepted_and_the_one_before_still_is(rehearsal: Rehearsal) -> None:
    secrets = rehearsal.aws("secretsmanager")
    arn = rehearsal.outputs["write_token_secret_arn"]
    newer = Client(rehearsal.client.url, "the-next-token-for-this-service")
    assert newer.post("/beers/seed").status == 401
    first = secrets.get_secret_value(SecretId=arn)["VersionId"]
    secrets.put_secret_value(SecretId=arn, SecretString=newer.token)
    wait_until(lambda: newer.post("/beers/seed").status == 200, "the service to read the new token")
    assert rehearsal.client.post("/beers/seed").status == 200
    labels = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"][first]
    assert "FIRST" in labels, "AWS can delete a version without a label"
    assert rehearsal.deployment.plan_environment(rehearsal.digest) is None, "Terraform leaves the newer one alone"


def test_the_schema_and_its_tables_belong_to_the_owner_and_not_to_the_migrator(rehearsal: Rehearsal) -> None:
    with connected(rehearsal, master(rehearsal)) as connection:
        owners = connection.run(
            "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'beers' UNION"
            " SELECT relowner::regrole::text FROM pg_class WHERE relnamespace = 'beers'::regnamespace"
        )
    assert owners == [["beers_owner"]]


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("SELECT count(*) FROM beers.beers", True),
        ("INSERT INTO beers.beers (name, style, abv) VALUES ('By hand', 'Ale', 4)", True),
        ("DELETE FROM beers.beers WHERE name = 'By hand'", True),
        ("CREATE TABLE beers.mine (id int)", False),
        ("CREATE TABLE public.mine (id int)", False),
        ("ALTER TABLE beers.beers ADD COLUMN mine int", False),
        ("TRUNCATE beers.beers", False),
        ("DROP TABLE beers.beers", False),
        ("CREATE ROLE mine", False),
        ("SET ROLE beers_owner", False),
        ("SELECT * FROM pg_authid", False),
    ],
)
def test_least_privilege_of_the_service_login_it_changes_only_rows(
    statement: str, allowed: bool, rehearsal: Rehearsal
) -> None:
    with connected(rehearsal, login(rehearsal, "beers_app")) as connection:
        if allowed:
            connection.run(statement)
            return
        with pytest.raises(pg8000.exceptions.DatabaseError, match="42501"):
            connection.run(statement)


def test_least_privilege_of_a_task_it_reads_only_its_secret(rehearsal: Rehearsal) -> None:
    definition = rehearsal.aws("ecs").describe_task_definition(taskDefinition=rehearsal.outputs["task_definition_arn"])
    role = definition["taskDefinition"]["taskRoleArn"]
    task = rehearsal.aws_as(role, "secretsmanager")
    secrets = rehearsal.outputs["login_secret_arns"]
    assert task.get_secret_value(SecretId=secrets["beers_app"])["SecretString"]
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        task.get_secret_value(SecretId=secrets["beers_migrator"])


# `make psql`, with the certificate authority of the rehearsal.
PSQL = """
import os, sys
from pathlib import Path
import boto3
from scripts import psql
psql.open_session.__defaults__ = (boto3.client, Path(os.environ["CA_FILE"]))
sys.exit(psql.main(os.environ))
"""


SAID = r"""\conninfo
\getenv mode PGSSLMODE
\echo :mode
SELECT count(*) FROM beers.beers;
DELETE FROM beers.beers;
"""


@pytest.mark.aws("SSM-1", "SSM-2")
def test_a_person_opens_psql_as_their_login_over_verified_tls_and_leaves_no_task(
    rehearsal: Rehearsal, tmp_path: Path
) -> None:
    install(tmp_path)
    ecs, cluster = rehearsal.aws("ecs"), rehearsal.outputs["cluster_name"]
    with person(rehearsal, rehearsal.outputs["psql_policies"]["beers_report"]) as role:
        credentials = assume_role(rehearsal.run, role)
        session = subprocess.run(
            [sys.executable, "-c", PSQL],
            cwd=CHECKOUT,
            env={
                "PATH": f"{tmp_path}:{Binaries.find().folder}:{os.environ['PATH']}",
                "SEEN": str(tmp_path / "seen"),
                "CA_FILE": str(rehearsal.run.authority / "ca.pem"),
                "ENVIRONMENT": "dev",
                "LOGIN": "beers_report",
                "AWS_REGION": REGION,
                "AWS_ENDPOINT_URL": str(rehearsal.run.endpoint),
                "NO_PROXY": "127.0.0.1",
                **{name.upper(): value for name, value in credentials.items()},
            },
            input=SAID,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        of_service = ecs.list_tasks(cluster=cluster, serviceName=rehearsal.outputs["service_name"])["taskArns"][0]
        with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
            rehearsal.aws_as(role, "ecs").stop_task(cluster=cluster, task=of_service)
    assert all(part in session.stdout for part in ('as user "beers_report"', "SSL connection", "verify-full")), session
    assert "permission denied for table beers" in session.stderr
    assert ecs.list_tasks(cluster=cluster, family=f"{cluster}-psql")["taskArns"] == []
    with pytest.raises(ProcessLookupError):
        os.kill(json.loads((tmp_path / "seen").read_text())[0], 0)


def test_a_release_with_a_migration_rolls_out_without_a_failed_request(rehearsal: Rehearsal, tmp_path: Path) -> None:
    digest = image_of_changed_service(rehearsal, tmp_path, migrations(*MIGRATIONS[:1]))
    with rehearsal.load() as load:
        rehearsal.deployment.apply_environment(digest, quiet)
    outputs = rehearsal.deployment.environment.outputs()
    assert outputs["task_definition_arn"] != rehearsal.outputs["task_definition_arn"]
    assert len(load.sent) > 100
    assert load.failures == []
    rehearsal.digest, rehearsal.outputs = digest, outputs


@pytest.fixture
def as_before(rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Expect after the test the deployment as it was before it; commands use the Terraform that made it."""

    def kept() -> list[Any]:
        services = rehearsal.run.ask("status")["services"]["ecs"]["services"]
        return [
            [service["task_definition"] for service in services.values()],
            rehearsal.deployment.environment.outputs()["task_definition_arn"],
            rehearsal.sql("SELECT version_num FROM beers.alembic_version"),
            rehearsal.sql("SELECT column_name FROM information_schema.columns WHERE table_schema = 'beers' ORDER BY 1"),
            rehearsal.sql("SELECT roleid FROM pg_auth_members WHERE member = 'beers_report'::regrole ORDER BY 1"),
            rehearsal.sql("SELECT count(*) FROM beers.beers"),
        ]

    monkeypatch.setenv("TERRAFORM", "library")
    rehearsal.sql("DELETE FROM beers.beers WHERE style = 'Load'")  # of other tests
    before = kept()
    yield
    assert kept() == before


def end(rehearsal: Rehearsal, number: signal.Signals, stage: int) -> str:
    """Start a demo and end it by a signal in a stage; return its output."""
    process = command(rehearsal.run.folder, "demo")
    seen = output_until(process, f"[{stage}/{STAGES}]")
    assert rehearsal.run.is_being_changed(), "no other command may begin"
    process.send_signal(number)
    rest, _ = process.communicate(timeout=900)
    wait_until(lambda: not rehearsal.run.is_being_changed(), "the Terraform of a killed demo", 900)
    assert process.returncode == {signal.SIGINT: 130}.get(number, -number)
    return seen + rest


def without_measurements(transcript: str) -> list[str]:
    return re.sub(r"[\d.]+ (?=requests|s[).])|_[ab](?= )", "", transcript).splitlines()


@pytest.mark.usefixtures("as_before")
def test_demo_undoes_what_a_killed_one_changed_and_shows_drift_rotations_and_rollbacks(
    rehearsal: Rehearsal, terraform_as_library: str, capsys: pytest.CaptureFixture[str]
) -> None:
    end(rehearsal, signal.SIGKILL, 2)
    demo(rehearsal.run, terraform_as_library)
    shown = capsys.readouterr().out
    assert "A demo that was killed had left changes; undoing them." in shown
    transcript = (CHECKOUT / "README.md").read_text().partition("```\n[1/7]")[2].partition("\n```")[0]
    assert len(transcript.splitlines()) > STAGES
    assert set(without_measurements(f"[1/7]{transcript}")) - set(without_measurements(shown)) == set()


@pytest.mark.nightly
@pytest.mark.parametrize("stage", range(1, STAGES + 1))
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.usefixtures("as_before")
def test_what_a_demo_has_changed_when_it_is_ended_is_undone_by_itself_or_by_the_next(
    rehearsal: Rehearsal, number: signal.Signals, stage: int
) -> None:
    said = end(rehearsal, number, stage)
    if number == signal.SIGKILL or "undoes the changes that are left" in said:
        said = end(rehearsal, signal.SIGINT, 1)
    assert said.endswith("are as before.\n")
