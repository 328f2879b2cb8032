"""The command line refuses invalid arguments before it connects."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from db_bootstrap.cli.command import Options, main
from db_bootstrap.errors import ConfigurationError
from db_bootstrap.report import Action, Format
from tests.support.documents import beers

DSN = "postgresql://master:hunter2@127.0.0.1:1/beers?sslmode=disable"
DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def document(tmp_path: Path) -> Path:
    file = tmp_path / "access.json"
    file.write_text(json.dumps(beers()))
    return file


def test_the_arguments_become_values() -> None:
    options = Options.parse(
        ["apply", "--document", "a.yaml", "--dsn", DSN, "--format", "json", "--expect-digest", DIGEST], {}
    )
    assert options == Options(Action.APPLY, DSN, Format.JSON, Path("a.yaml"), DIGEST)
    assert "hunter2" not in repr(options)


def test_the_address_can_come_from_the_environment() -> None:
    options = Options.parse(["plan", "--document", "a.json"], {"DB_BOOTSTRAP_DSN": DSN})
    assert (options.dsn, options.output_format, options.expected_digest) == (DSN, Format.TEXT, None)


WITH_FILE = ("--document", "a.json")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param([], "required: action", id="nothing"),
        pytest.param(["destroy", *WITH_FILE, "--dsn", DSN], "choose from", id="an action that is not known"),
        pytest.param([DSN, "plan", *WITH_FILE], "invalid choice", id="an address in the wrong place"),
        pytest.param(["plan", *WITH_FILE, "--dns", DSN], "unrecognized arguments", id="a misspelt option"),
        pytest.param(["plan", *WITH_FILE, f"--dns={DSN}"], "unrecognized", id="a misspelt option in one word"),
        pytest.param(["plan", *WITH_FILE, "user=x password=hunter2"], "unrecognized", id="libpq's words"),
        pytest.param(["plan", *WITH_FILE, "--ds", DSN], "unrecognized", id="an abbreviated option"),
        pytest.param(["plan", *WITH_FILE, "--dsn"], "expected one argument", id="an option without its value"),
        pytest.param(["plan", *WITH_FILE], "address of the database is missing", id="no address"),
        pytest.param(["plan", "--dsn", DSN], "required: --document", id="no document"),
        pytest.param(["plan", *WITH_FILE, "--dsn", DSN, "--format", "xml"], "choose from", id="an unknown format"),
        pytest.param(["generate", "--dsn", DSN, "--format", "sql"], "choose from", id="a script of a document"),
        pytest.param(["generate", "--dsn", DSN, *WITH_FILE], "unrecognized", id="a document to generate"),
        pytest.param(
            ["plan", *WITH_FILE, "--dsn", DSN, "--expect-digest", DIGEST], "unrecognized", id="a digest to plan"
        ),
        pytest.param(
            ["apply", *WITH_FILE, "--dsn", DSN, "--expect-digest", "0"],
            "is not a valid digest",
            id="a digest that is none",
        ),
    ],
)
def test_arguments_that_are_not_understood_are_refused_without_the_password(
    arguments: list[str], complaint: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Options.parse(arguments, {})
    assert complaint in str(refused.value)
    assert "hunter2" not in str(refused.value)


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if name not in ("PGPASSWORD", "DB_BOOTSTRAP_DSN")}
    return subprocess.run(
        [sys.executable, "-m", "db_bootstrap", *arguments],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_an_error_is_one_paragraph_and_exit_status_1(document: Path) -> None:
    for arguments in (
        ("plan",),
        ("plan", "--document", str(document)),
        ("plan", "--document", str(document / "nothing"), "--dsn", DSN),
        ("plan", "--document", str(document), "--dsn", DSN),
        ("plan", "--document", str(document), "--dsn", DSN, "--unknown"),
    ):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.strip()
        assert "\n\n" not in done.stderr
        assert "Traceback" not in done.stderr
        assert "hunter2" not in done.stderr


def test_help_exits_with_0_and_shows_an_example_for_each_action() -> None:
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for action in Action:
        assert f"    {action} " in done.stdout
    done = run("why", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Example: python -m db_bootstrap why --of ann --on" in " ".join(done.stdout.split())
    assert "PGPASSWORD" in done.stdout
    assert run("--version").stdout.startswith("db_bootstrap ")


def test_an_interrupted_run_ends_without_a_traceback(
    document: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("db_bootstrap.cli.command.connected_as_master", lambda *_, **__: interrupt())
    assert main(["plan", "--document", str(document), "--dsn", DSN]) == 1
    assert "not committed is rolled back" in capsys.readouterr().err
