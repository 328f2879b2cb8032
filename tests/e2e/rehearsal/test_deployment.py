"""The whole, on one deployment; the tests run in this order."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore.exceptions
import pg8000.exceptions
import pg8000.native
import pytest

from devtools.checkout import CHECKOUT
from rehearsal.load import Load
from rehearsal.terraform import TerraformError
from tests.support.documents import beers
from tests.support.http import Client
from tests.support.local_aws import allow, policy
from tests.support.rehearsal import (
    Rehearsal,
    connected,
    image_of_changed_service,
    login,
    master,
    quiet,
    superuser,
)

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(900)]


@contextmanager
def role_that_may_connect(rehearsal: Rehearsal, user: str) -> Iterator[str]:
    """Yield the ARN of a role that can log in to the database as ``user``."""
    instance = rehearsal.aws("rds").describe_db_instances()["DBInstances"][0]
    arn = instance["DBInstanceArn"].replace(":rds:", ":rds-db:").rpartition(":db:")[0]
    iam, name = rehearsal.aws("iam"), "a-person"
    permission = allow("rds-db:connect", f"{arn}:dbuser:{instance['DbiResourceId']}/{user}")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy()))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy(permission)))
    try:
        yield role
    finally:
        iam.delete_role_policy(RoleName=name, PolicyName="own")
        iam.delete_role(RoleName=name)


def token_for(rehearsal: Rehearsal, role_arn: str, user: str) -> str:
    """Return what a person's tools use instead of a password."""
    host, port = rehearsal.outputs["database_endpoint"].split(":")
    token: str = rehearsal.aws_as(role_arn, "rds").generate_db_auth_token(
        DBHostname=host, Port=int(port), DBUsername=user
    )
    return token


def test_the_catalogue_is_empty_at_first_and_can_be_seeded_through_the_load_balancer(rehearsal: Rehearsal) -> None:
    assert rehearsal.client.get("/beers").status == 200
    assert rehearsal.client.post("/beers/seed").status in {200, 201}
    assert len(rehearsal.client.get("/beers").body["beers"]) > 0


def test_concurrent_seeding_is_idempotent(rehearsal: Rehearsal) -> None:
    before = rehearsal.client.get("/beers").body
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: rehearsal.client.post("/beers/seed").status, range(8)))
    assert set(answers) <= {200, 201}
    assert rehearsal.client.get("/beers").body == before


def test_a_beer_that_is_posted_is_found_again(rehearsal: Rehearsal) -> None:
    made = rehearsal.client.post("/beers", {"name": "Rehearsal Stout", "style": "Stout", "abv": 6.5})
    assert made.status == 201
    assert rehearsal.client.get(f"/beers/{made.body['id']}").body == made.body


@pytest.mark.parametrize("token", ["", "wrong-wrong-wrong-wrong"])
def test_nobody_changes_the_catalogue_without_the_token(token: str, rehearsal: Rehearsal) -> None:
    stranger = Client(rehearsal.client.url, token)
    for path, body in (("/beers/seed", None), ("/beers", {"name": "Mine", "style": "Stout", "abv": 6})):
        assert stranger.post(path, body).status == 401
    assert stranger.get("/beers").status == 200


def test_a_new_token_is_good_and_the_one_before_stays_so(rehearsal: Rehearsal) -> None:
    secrets = rehearsal.aws("secretsmanager")
    arn = rehearsal.outputs["write_token_secret_arn"]
    newer = Client(rehearsal.client.url, "the-next-token-for-this-service")
    assert newer.post("/beers/seed").status == 401
    secrets.put_secret_value(SecretId=arn, SecretString=newer.token)
    deadline = time.monotonic() + 20
    while newer.post("/beers/seed").status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert rehearsal.client.post("/beers/seed").status == 200
    assert rehearsal.deployment.plan_environment(rehearsal.digest) is None, "Terraform leaves the newer one alone"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/beers", {"style": "Stout", "abv": 6.5}, 422),
        ("POST", "/beers", {"name": "x", "style": "Stout", "abv": "strong"}, 422),
        ("GET", "/no-such-route", None, 404),
        ("DELETE", "/beers", None, 405),
    ],
)
def test_what_is_wrong_is_answered_with_a_problem_document(
    method: str, path: str, body: object, status: int, rehearsal: Rehearsal
) -> None:
    answer = rehearsal.client.request(method, path, body)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")


def test_the_function_made_the_roles_and_memberships_that_terraform_declares(rehearsal: Rehearsal) -> None:
    with connected(rehearsal, master(rehearsal)) as connection:
        roles = connection.run(
            "SELECT rolname, rolcanlogin, rolsuper, rolcreaterole, rolcreatedb FROM pg_roles"
            " WHERE rolname LIKE 'beers%' ORDER BY rolname"
        )
        memberships = connection.run(
            "SELECT DISTINCT member::regrole::text, roleid::regrole::text FROM pg_auth_members"
            " WHERE member::regrole::text LIKE 'beers%' ORDER BY 1, 2"
        )
    no_powers = [False, False, False]
    assert roles == [
        ["beers_app", False, *no_powers],
        ["beers_app_a", True, *no_powers],
        ["beers_app_b", True, *no_powers],
        ["beers_migrator", False, *no_powers],
        ["beers_migrator_a", True, *no_powers],
        ["beers_migrator_b", True, *no_powers],
        ["beers_owner", False, *no_powers],
        ["beers_reader", False, *no_powers],
        ["beers_report", True, *no_powers],
        ["beers_writer", False, *no_powers],
    ]
    assert ["beers_app_a", "beers_app"] in memberships
    assert ["beers_app", "beers_writer"] in memberships
    assert ["beers_migrator", "beers_owner"] in memberships
    assert ["beers_report", "beers_reader"] in memberships
    assert ["beers_app", "beers_owner"] not in memberships


def test_the_master_that_the_function_used_is_no_superuser_and_keeps_no_borrowed_membership(
    rehearsal: Rehearsal,
) -> None:
    with connected(rehearsal, master(rehearsal)) as connection:
        row = connection.run("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        borrowed = connection.run(
            "SELECT roleid::regrole::text FROM pg_auth_members"
            " WHERE member = current_user::regrole AND roleid::regrole::text LIKE 'beers%' AND NOT admin_option"
        )
    assert (row, borrowed) == ([[False]], [])


def test_the_schema_and_its_tables_belong_to_the_owner_and_not_to_whoever_migrated(rehearsal: Rehearsal) -> None:
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
def test_the_services_own_login_can_change_rows_and_nothing_else(
    statement: str, allowed: bool, rehearsal: Rehearsal
) -> None:
    with connected(rehearsal, login(rehearsal, "beers_app")) as connection:
        if allowed:
            connection.run(statement)
            return
        with pytest.raises(pg8000.exceptions.DatabaseError, match="42501"):
            connection.run(statement)


def test_the_service_is_connected_as_its_own_login_over_tls(rehearsal: Rehearsal) -> None:
    rehearsal.client.get("/beers")
    with connected(rehearsal, master(rehearsal)) as connection:
        connection.run("BEGIN")
        rows = connection.run(
            "SELECT DISTINCT usename, ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)"
            " WHERE usename LIKE 'beers%'"
        )
    assert rows == [["beers_app_a", True]]


def test_a_task_may_read_its_own_secret_and_no_other(rehearsal: Rehearsal) -> None:
    definition = rehearsal.aws("ecs").describe_task_definition(taskDefinition=rehearsal.outputs["task_definition_arn"])
    role = definition["taskDefinition"]["taskRoleArn"]
    task = rehearsal.aws_as(role, "secretsmanager")
    secrets = rehearsal.outputs["login_secret_arns"]
    assert task.get_secret_value(SecretId=secrets["beers_app"])["SecretString"]
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        task.get_secret_value(SecretId=secrets["beers_migrator"])


def test_a_person_logs_in_by_token_with_a_role_that_may_and_with_no_other(rehearsal: Rehearsal) -> None:
    with role_that_may_connect(rehearsal, "beers_report") as role:
        token = token_for(rehearsal, role, "beers_report")
        with connected(rehearsal, {"username": "beers_report", "password": token}) as connection:
            assert connection.run("SELECT count(*) > 0 FROM beers.beers") == [[True]]
            with pytest.raises(pg8000.exceptions.DatabaseError, match="42501"):
                connection.run("DELETE FROM beers.beers")
    with role_that_may_connect(rehearsal, "beers_owner") as role:
        token = token_for(rehearsal, role, "beers_report")
        with (
            pytest.raises(pg8000.exceptions.DatabaseError, match="PAM authentication failed"),
            connected(rehearsal, {"username": "beers_report", "password": token}),
        ):
            pass


def test_the_functions_answer_says_what_it_did(rehearsal: Rehearsal) -> None:
    report = rehearsal.outputs["access_report"]
    assert report["in_sync"] is True
    assert {given["login"]: given["outcome"] for given in report["credentials"]} == {
        "beers_app": "created",
        "beers_migrator": "created",
    }


def test_a_changed_image_rolls_out_without_a_failed_request(rehearsal: Rehearsal, tmp_path: Path) -> None:
    digest = image_of_changed_service(rehearsal, tmp_path, {"a_new_module.py": ""})
    statuses: list[int] = []
    rolled_out = threading.Event()

    def keep_asking() -> None:
        while not rolled_out.is_set():
            statuses.append(rehearsal.client.get("/beers").status)

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(keep_asking) for _ in range(4)]
        try:
            rehearsal.deployment.apply_environment(digest, quiet)
            outputs = rehearsal.deployment.environment.outputs()
        finally:
            rolled_out.set()
    assert [future.exception() for future in asking] == [None] * 4
    assert outputs["task_definition_arn"] != rehearsal.outputs["task_definition_arn"]
    assert len(statuses) > 100
    assert set(statuses) == {200}
    rehearsal.digest, rehearsal.outputs = digest, outputs


def test_a_release_whose_migration_fails_is_rolled_back_and_the_apply_says_so(
    rehearsal: Rehearsal, tmp_path: Path
) -> None:
    digest = image_of_changed_service(rehearsal, tmp_path, {"__main__.py": "raise SystemExit('a broken migration')"})
    with pytest.raises(TerraformError, match="ECS did not keep the new tasks and went back"):
        rehearsal.deployment.apply_environment(digest, quiet)
    assert rehearsal.client.get("/beers").status == 200
    runs = rehearsal.aws("ecs").describe_services(
        cluster=rehearsal.outputs["cluster_name"], services=[rehearsal.outputs["service_name"]]
    )["services"][0]["taskDefinition"]
    assert runs == rehearsal.outputs["task_definition_arn"]


def test_a_release_that_answers_with_errors_is_rolled_back_although_it_is_healthy(
    rehearsal: Rehearsal, tmp_path: Path
) -> None:
    factory = (CHECKOUT / "app" / "__init__.py").read_text()
    broken = factory.replace("import Flask\n", "import Flask, request\n").replace(
        "    log_requests(app)\n",
        "    app.before_request(lambda: ('broken', 500) if request.path == '/beers' else None)\n",
    )
    digest = image_of_changed_service(rehearsal, tmp_path, {"__init__.py": broken})
    # Enough, on a slow machine too, for the alarm: ten errors within a second, which stands for a minute.
    address = urlsplit(rehearsal.client.url).netloc
    with (
        Load([address], connections=8, token=rehearsal.client.token, pause_seconds=0.02) as load,
        pytest.raises(TerraformError, match=r"went back.*the alarm taproom-dev-target-errors went off"),
    ):
        rehearsal.deployment.apply_environment(digest, quiet)
    assert {sent.outcome for sent in load.sent} == {200, 201, 500}
    assert [rehearsal.client.get("/beers").status for _ in range(20)] == [200] * 20


def test_a_failing_function_fails_the_apply_and_is_invoked_again_once_the_cause_is_mended(
    rehearsal: Rehearsal,
) -> None:
    # The preview would stop it before; what the function itself does is the matter here.
    variables = {
        **rehearsal.deployment.variables(rehearsal.digest),
        "access": access_with_a_cellar(),
        "preview_access": False,
    }
    with superuser(rehearsal) as connection:
        connection.run("CREATE SCHEMA cellar")
    with pytest.raises(TerraformError, match="cellar") as failure:
        rehearsal.deployment.environment.apply(variables, quiet, "dev.tfvars")
    assert "rdsadmin" in str(failure.value), "the message names the owner that is in the way"
    assert rehearsal.client.get("/beers").status == 200
    with superuser(rehearsal) as connection:
        connection.run("DROP SCHEMA cellar")
    rehearsal.deployment.environment.apply(variables, quiet, "dev.tfvars")
    with superuser(rehearsal) as connection:
        owner = connection.run("SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'cellar'")
    assert owner == [["cellar_owner"]]


def access_with_a_cellar() -> dict[str, Any]:
    access = beers()
    access["schemas"]["cellar"] = {"owner": "cellar_owner"}
    access["roles"]["cellar_owner"] = {}
    return access
