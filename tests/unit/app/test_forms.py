"""Problem documents, log lines, the command line and seeds."""

import json
import logging
import sys
from http import HTTPStatus

import pytest
from flask import Flask

from app import create_app
from app.__main__ import main
from app.api.problems import FieldError, Problem, problem_document
from app.database.migrate import known_revisions
from app.logs import JsonFormatter, configure_logging
from app.settings import Settings


@pytest.fixture
def app() -> Flask:
    """A service whose database is never queried."""
    return create_app(Settings(database_url="postgresql://me:hidden@localhost:9/beers"))


def test_a_problem_has_the_members_of_rfc_9457_and_ours() -> None:
    problem = Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-input", "No.", [FieldError("abv", "Too much")])
    assert json.loads(problem_document(problem, "r1")) == {
        "type": "urn:taproom:problem:invalid-input",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "No.",
        "errors": [{"field": "abv", "message": "Too much"}],
        "request_id": "r1",
    }


def test_an_unexpected_error_is_logged_and_not_in_the_response(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    @app.get("/fails")
    def fail() -> str:
        raise RuntimeError("the inside")

    response = app.test_client().get("/fails")
    assert response.status_code == 500
    assert response.mimetype == "application/problem+json"
    assert "the inside" not in response.text
    assert "the inside" in caplog.text


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("*/*", "application/problem+json"),
        ("application/json", "application/problem+json"),
        ("", "application/problem+json"),
    ],
)
def test_an_unknown_route_is_a_page_for_browsers_and_a_problem_for_programs(
    app: Flask, accept: str, media_type: str
) -> None:
    response = app.test_client().get("/nope", headers={"Accept": accept})
    assert (response.status_code, response.mimetype, response.headers["Vary"]) == (404, media_type, "Accept")


def test_liveness_needs_no_database_and_is_not_logged(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert app.test_client().get("/livez").json == {"status": "ok"}
    assert not [record for record in caplog.records if record.message == "Request"]


@pytest.mark.parametrize("trace", ["", "x" * 129, 'a"b', "a b", "<script>"])
def test_an_invalid_request_id_is_replaced(app: Flask, trace: str) -> None:
    response = app.test_client().get("/livez", headers={"X-Amzn-Trace-Id": trace})
    assert response.headers["X-Request-Id"].isalnum()
    assert response.headers["X-Request-Id"] != trace


def test_a_log_line_is_one_json_object_with_fields_and_exception() -> None:
    try:
        int("two\nlines")
    except ValueError:
        record = logging.LogRecord("app", logging.ERROR, __file__, 1, "It %s", ("failed",), sys.exc_info())
    record.fields = {"status": 500}
    text = JsonFormatter().format(record)
    assert "\n" not in text
    line = json.loads(text)
    assert (line["level"], line["message"], line["status"]) == ("ERROR", "It failed", 500)
    assert line["exception"].endswith("'two\\nlines'")
    assert "\n" in line["exception"]


def test_botocore_never_logs_responses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("handlers", []), ("level", logging.root.level)):
        monkeypatch.setattr(logging.root, name, value)
    configure_logging("DEBUG")
    assert logging.getLogger("app").isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("botocore.parsers").isEnabledFor(logging.DEBUG)


def test_known_revisions_are_in_order() -> None:
    assert known_revisions() == sorted(known_revisions())


@pytest.mark.parametrize("arguments", [["--help"], ["migrate", "--help"]])
def test_help_lists_the_command_and_every_variable_of_the_login(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for word in ("migrate", "DATABASE_URL", "DATABASE_SECRET_ARN", "DATABASE_SECRET:", "DATABASE_CA_FILE"):
        assert word in text


def test_a_command_without_a_database_is_reported_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DATABASE_URL", "DATABASE_SECRET_ARN", "DATABASE_SECRET"):
        monkeypatch.delenv(name, raising=False)
    assert main(["migrate"]) == 1
    assert capsys.readouterr().err.startswith("error: Exactly one of DATABASE_URL")
