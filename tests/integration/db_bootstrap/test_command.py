"""The command line against a real server, in a separate process, as a person runs it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from db_bootstrap.cli.command import main
from db_bootstrap.inspect.session import Session, connected
from db_bootstrap.inspect.snapshot import read_identity
from db_bootstrap.plan import digest_for
from scripts.package_function import CHECKOUT
from tests.support.access import Access
from tests.support.command_line import PROGRAM, CommandLine

pytestmark = pytest.mark.database


def test_plan_tells_of_differences_apply_ends_them_and_plan_finds_none(command_line: CommandLine) -> None:
    status, output = command_line.run("plan", "--verbose")
    assert status == 2
    assert f'CREATE ROLE "{command_line.cellar.role("owner")}"' in output
    assert "TAKES ACCESS AWAY" in output, "CONNECT is revoked from PUBLIC"
    assert command_line.cellar.as_superuser("SELECT FROM pg_roles WHERE rolname = '{owner}'") == [], "it only looked"
    status, output = command_line.run("apply")
    assert status == 0
    assert "statements ran" in output
    assert command_line.run("plan") == (0, f"{command_line.cellar.database.name}: nothing to do.\n")
    assert command_line.run("apply") == (0, f"{command_line.cellar.database.name}: nothing to do.\n")


def test_the_quick_start_of_the_readme_prints_what_it_shows(command_line: CommandLine, tmp_path: Path) -> None:
    database = command_line.cellar.database
    readme = (CHECKOUT / "db_bootstrap" / "README.md").read_text().partition("## Quick start")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```(sh)?\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    commands, shown = ("".join(text for kind, text in blocks if kind == wanted) for wanted in ("sh", ""))
    script = ["bash", "-c", commands.partition("\n")[2].replace("beers", database.name)]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**command_line.environment(), "DB_BOOTSTRAP_DSN": command_line.dsn(), "PATH": path}
    done = subprocess.run(script, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert re.sub("sha256:[0-9a-f]+", "sha256:...", done.stdout).replace(database.name, "beers") == shown


def test_the_sql_of_a_plan_does_what_apply_would_do(command_line: CommandLine) -> None:
    status, script = command_line.run("plan", "--format", "sql")
    assert status == 2
    with command_line.cellar.master() as connection:
        connection.run(script)
    assert command_line.planned()["in_sync"]


def test_verify_finds_what_was_changed_by_hand_and_names_what_is_not_managed(command_line: CommandLine) -> None:
    cellar = command_line.cellar
    command_line.run("apply")
    assert command_line.run("verify")[0] == 0
    cellar.as_superuser("CREATE ROLE {stranger}", "GRANT {writer} TO {stranger}")
    cellar.raw["unlisted"] = "report"
    status, output = command_line.run("verify")
    assert status == 0, "what is not managed is not drift"
    assert f"'{cellar.role('stranger')}' is a member of '{cellar.role('writer')}'" in output
    cellar.as_superuser("ALTER ROLE {app_a} CONNECTION LIMIT 90")
    status, output = command_line.run("verify")
    assert status == 2
    assert f"role {cellar.role('app_a')} has another connection limit than declared" in output


def test_what_plan_did_not_show_is_refused_and_nothing_changes(command_line: CommandLine) -> None:
    cellar = command_line.cellar
    command_line.run("apply")
    cellar.as_superuser("ALTER ROLE {app_a} CONNECTION LIMIT 90")
    digest = command_line.planned()["digest"]
    cellar.as_superuser("GRANT USAGE ON SCHEMA {schema} TO PUBLIC")
    status, output = command_line.run("apply", "--expect-digest", digest)
    assert status == 1
    assert "Run plan again" in output
    assert digest in output
    limit = cellar.as_superuser("SELECT rolconnlimit FROM pg_roles WHERE rolname = '{app_a}'")
    assert limit == [[90]], "not even what was shown"
    cellar.as_superuser("REVOKE USAGE ON SCHEMA {schema} FROM PUBLIC")
    assert command_line.run("apply", "--expect-digest", digest)[0] == 0


def test_the_same_drift_twice_has_two_digests_and_the_database_remembers_the_last_that_was_applied(
    command_line: CommandLine,
) -> None:
    cellar, digests = command_line.cellar, []
    cellar.as_superuser("COMMENT ON DATABASE {database} IS 'It''s ours.'")
    command_line.run("apply")
    assert command_line.planned()["digest"] == "", "nothing was reviewed yet"
    for _ in range(2):
        cellar.as_superuser("ALTER ROLE {app_a} CONNECTION LIMIT 90")
        digests.append(command_line.planned()["digest"])
        assert command_line.run("apply", "--expect-digest", digests[-1])[0] == 0
        assert command_line.planned()["digest"] == digests[-1], "with nothing to do it is the one that was applied"
    assert digests[0] != digests[1]
    comment = cellar.as_superuser(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{database}'"
    )
    assert comment == [[f"It's ours.\ndb_bootstrap: {digests[1]}"]]
    cellar.as_superuser("ALTER ROLE {app_a} CONNECTION LIMIT 90")
    assert command_line.run("apply", "--expect-digest", digests[1])[0] == 1, "a review is used up"


def test_a_digest_is_bound_to_the_database_and_to_the_name_it_is_reached_by(cellar: Access) -> None:
    with connected(cellar.endpoint, cellar.credential()) as connection:
        here = read_identity(connection, "a.example")
    with cellar.database.cluster.connect_as_superuser() as connection:
        other_database = read_identity(Session(connection), "a.example")
    assert here.database == cellar.database.name
    assert here.system_identifier, "a master that is not a superuser may ask for it"
    assert here.system_identifier == other_database.system_identifier
    assert here.database_oid != other_database.database_oid


def test_a_database_with_an_unreadable_system_identifier_has_an_identity(cellar: Access) -> None:
    function = "FUNCTION pg_catalog.pg_control_system()"
    cellar.as_superuser(f"REVOKE EXECUTE ON {function} FROM PUBLIC")
    with cellar.master() as connection:
        assert read_identity(connection, "a.example").system_identifier is None
        assert digest_for(connection, "a.example", cellar.plan()).startswith("sha256:")


def test_missing_rights_of_the_master_are_listed_as_an_error(command_line: CommandLine) -> None:
    command_line.cellar.as_superuser("CREATE SCHEMA {schema}")
    for action in ("plan", "verify"):
        status, output = command_line.run(action)
        assert status == 1
        assert "The schema 'cellar' belongs to 'rdsadmin'" in output
        assert "cannot be applied, for 1 reason" in output
    assert command_line.run("apply")[0] == 1


def test_a_session_that_plans_is_read_only(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command_line.run("plan")
    monkeypatch.setenv("PGPASSWORD", command_line.cellar.database.password)
    monkeypatch.setattr("db_bootstrap.cli.command.make_plan", lambda session, *_: session.run("CREATE ROLE stranger"))
    assert main(["plan", "--document", str(command_line.file), "--dsn", command_line.dsn()]) == 1
    assert "25006" in capsys.readouterr().err


def test_a_wrong_password_is_refused_at_once_and_not_shown(command_line: CommandLine) -> None:
    status, output = command_line.run("plan", password="a wrong password")
    assert (status, "28P01" in output) == (1, True)


def test_a_closed_pipe_is_not_an_error(command_line: CommandLine) -> None:
    command_line.file.write_text(json.dumps(command_line.cellar.raw))
    command = [*PROGRAM, "plan", "--document", str(command_line.file), "--dsn", command_line.dsn()]
    environment = command_line.environment()
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(command, env=environment, stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (2, b"")
