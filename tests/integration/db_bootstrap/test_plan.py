"""The function that can only plan, on a real PostgreSQL; Secrets Manager is moto's."""

import json
from collections.abc import Iterator
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import boto3
import moto
import pytest

from db_bootstrap.credentials.store import store_of_runtime
from db_bootstrap.errors import AnswerTooLongError, RefusedLoginError, StatementError
from db_bootstrap.lambdas import handler
from db_bootstrap.lambdas import plan as planner
from db_bootstrap.lambdas.apply import bootstrap
from db_bootstrap.plan_digest import is_digest
from scripts import access
from scripts.environment import CommandError
from tests.support.access import Access

pytestmark = pytest.mark.database

CONTEXT: Any = SimpleNamespace(
    function_name="access", memory_limit_in_mb=1, invoked_function_arn="arn", aws_request_id="1"
)


class Functions:
    """Both functions, as Lambda calls them, on one database."""

    def __init__(self, cellar: Access) -> None:
        self.cellar = cellar
        client: Any = boto3.client("secretsmanager", region_name="us-east-1")
        master = {"username": cellar.database.master, "password": cellar.database.password}
        self.master_arn = client.create_secret(Name="master", SecretString=json.dumps(master))["ARN"]
        logins = (cellar.role("app"), cellar.role("migrator"))
        self.secret_arns = {login: client.create_secret(Name=login)["ARN"] for login in logins}

    def ask(self, action: str) -> dict[str, Any]:
        return planner.plan({"action": action, "document": self.cellar.raw}, CONTEXT)

    def invoke(self, *, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        assert FunctionName == "taproom-dev-access-plan"
        return {"Payload": BytesIO(json.dumps(planner.plan(json.loads(Payload), CONTEXT)).encode())}

    def apply(self, expected_digest: str | None = None) -> dict[str, Any]:
        event = {"action": "apply", "document": self.cellar.raw, "secret_arns": self.secret_arns}
        return bootstrap({**event, "expected_digest": expected_digest}, CONTEXT)


@pytest.fixture
def functions(cellar: Access, monkeypatch: pytest.MonkeyPatch) -> Iterator[Functions]:
    endpoint = cellar.endpoint
    environment = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "DATABASE_HOST": endpoint.host,
        "DATABASE_PORT": str(endpoint.port),
        "DATABASE_NAME": endpoint.database,
        "DATABASE_CA_FILE": str(endpoint.ca_file),
        "POWERTOOLS_METRICS_NAMESPACE": "Cellar",
        "POWERTOOLS_SERVICE_NAME": "access",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with moto.mock_aws():
        store_of_runtime.cache_clear()
        made = Functions(cellar)
        monkeypatch.setenv("MASTER_SECRET_ARN", made.master_arn)
        yield made
    store_of_runtime.cache_clear()


def measured(printed: str) -> list[float]:
    """The values of the metric AccessDrift of the database in what a function printed."""
    lines = [json.loads(line) for line in printed.splitlines() if '"_aws"' in line]
    assert all(line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Cellar" for line in lines)
    assert all(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service", "database"]] for line in lines)
    assert all(line["service"] == "access" for line in lines)
    return [value for line in lines for value in line["AccessDrift"]]


def test_a_plan_shows_what_an_apply_held_to_it_then_runs_and_is_not_measured_as_drift(
    functions: Functions, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = functions.ask("plan")
    assert measured(capsys.readouterr().out) == []
    assert is_digest(planned["digest"])
    assert not planned["in_sync"]
    assert planned["database"] == functions.cellar.database.name
    applied = functions.apply(planned["digest"])
    assert applied["changes"] == planned["changes"]


def test_postgresql_refuses_a_change_in_the_session_that_plans(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(connection: Any, *_: object) -> Any:
        connection.run(f"CREATE ROLE {functions.cellar.role('stranger')}")

    monkeypatch.setattr("db_bootstrap.lambdas.plan.make_plan", change)
    with pytest.raises(StatementError, match="25006"):
        functions.ask("verify")


def test_drift_is_measured_named_and_zero_after_an_apply(
    functions: Functions, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    functions.apply()
    assert measured(capsys.readouterr().out) == [0]
    functions.ask("verify")
    assert measured(capsys.readouterr().out) == [0], "zero is reported too"
    functions.cellar.as_superuser(
        "GRANT CREATE ON SCHEMA {schema} TO {writer}", "ALTER ROLE {app_a} CONNECTION LIMIT 7"
    )
    answer = functions.ask("verify")
    assert measured(capsys.readouterr().out) == [len(answer["changes"])]
    logged = [vars(record)["reason"] for record in caplog.records if record.message == "Drift detected"]
    assert logged == [change["reason"] for change in answer["changes"]]
    (summed_up,) = [vars(record)["summary"] for record in caplog.records if record.message.startswith("Access drift")]
    app, writer, schema = functions.cellar.role("app"), functions.cellar.role("writer"), functions.cellar.schema
    assert [*summed_up] == answer["summary"]
    assert answer["summary"] == [
        f"{app}_a has the connection limit 5 instead of 7.",
        f"{app} loses CREATE on schema {schema} through {writer}.",
    ]
    assert len(logged) >= 2, "the statements that correct it, with those that make the master a member meanwhile"
    assert functions.apply()["summary"] == answer["summary"]
    assert measured(capsys.readouterr().out) == [0]
    functions.cellar.as_superuser("ALTER SCHEMA {schema} OWNER TO rdsadmin")
    answer = functions.ask("verify")
    assert answer["refusals"]
    assert measured(capsys.readouterr().out) == [len(answer["changes"]) + len(answer["refusals"])]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        pytest.param({"logins": {"x": {"credential": "guessed"}}}, "document.logins['x'].credential", id="a document"),
        pytest.param({"database": "another"}, "another", id="a database"),
    ],
)
def test_a_plan_that_cannot_be_made_is_an_answer_that_says_why(
    broken: dict[str, Any], reason: str, functions: Functions
) -> None:
    functions.cellar.raw.update(broken)
    answer = functions.ask("plan")
    assert not answer["in_sync"]
    assert any(reason in refusal for refusal in answer["refusals"])


def test_a_database_that_cannot_be_reached_is_an_answer_to_a_plan_and_an_error_of_a_verification(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "db_bootstrap.lambdas.plan.connected_as_master",
        lambda *_, **__: (_ for _ in ()).throw(RefusedLoginError("The database refuses the login.", "28P01")),
    )
    assert functions.ask("plan")["refusals"] == ["The database refuses the login."]
    with pytest.raises(RefusedLoginError):
        functions.ask("verify")


def test_make_access_prints_who_has_access_and_why(functions: Functions, capsys: pytest.CaptureFixture[str]) -> None:
    def asked(**settings: str) -> list[str]:
        return access.answer({"ENVIRONMENT": "dev", **settings}, functions)

    functions.cellar.apply()
    owner = functions.cellar.role("owner")
    assert f"{owner}: USAGE, CREATE on schema cellar as the owner" in asked(ON="schema cellar")
    assert asked(ON="schema cellar", OF=owner, PRIVILEGE="create")[-1] == (
        f"{owner}: CREATE on schema cellar as the owner"
    )
    assert f"{owner}: USAGE, CREATE on schema cellar as the owner" in asked(OF=owner)
    assert asked()[0] == "What is surprising:"
    for wrong, reason in (({"OF": "nobody"}, "There is no role"), ({"PRIVILEGE": "SELECT"}, "no key but action")):
        with pytest.raises(CommandError, match=reason):
            asked(**wrong)
    for event, reason in (
        ({"action": "what", "on": "schema cellar"}, "'what' needs of"),
        ({"action": "why", "of": ["x"], "on": "schema cellar"}, "of must be text"),
    ):
        assert reason in planner.plan(event, CONTEXT)["refusals"][0]
    assert "AccessDrift" not in capsys.readouterr().out


def test_an_answer_that_lambda_cannot_return_is_refused_with_the_command_that_prints_it(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "MAXIMUM_ANSWER_BYTES", 600)
    event = {"action": "what", "of": functions.cellar.database.master}
    for answer, command in (
        (functions.ask("plan"), "plan"),
        (planner.plan({"action": "audit"}, CONTEXT), "audit"),
        (planner.plan(event, CONTEXT), f"what --of {event['of']}"),
    ):
        assert f"Run python -m db_bootstrap {command} --dsn URL" in answer["refusals"][0]
    with pytest.raises(AnswerTooLongError, match="with --dsn, which has no limit"):
        functions.ask("verify")
    with pytest.raises(AnswerTooLongError, match="Apply again: its answer is short"):
        functions.apply()
    assert functions.apply()["changes"] == []
