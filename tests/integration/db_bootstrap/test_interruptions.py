"""An apply whose process is killed, before each of its statements in turn."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.integration.db_bootstrap.conftest import Access

pytestmark = pytest.mark.database

# Reads how many statements to let through, a line a time; forks an apply that is killed before the next one; answers
# what the apply was about to say, or nothing if it came to its end. Forking saves importing everything anew.
PROGRAM = """
import json, os, signal, sys
from pg8000.native import Connection
from db_bootstrap import access, reconcile
from db_bootstrap.inspect.session import Credential, Endpoint, connected_as_master

given = json.load(open(sys.argv[1]))
document = access.parse(given["document"])

def apply(let_through, answer):
    run, count = Connection.run, 0
    def counted(connection, sql, **parameters):
        nonlocal count
        if count == let_through:
            os.write(answer, sql.encode())
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1
        return run(connection, sql, **parameters)
    Connection.run = counted
    def connected_to(database):
        credential = Credential(given["master"], given["password"])
        return connected_as_master(Endpoint(**given["endpoint"] | {"database": database}), lambda: credential)
    with connected_to(given["endpoint"]["database"]) as connection, reconcile.locked(connection):
        reconcile.apply(connection, document, elsewhere=connected_to)

for line in sys.stdin:
    answer, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(answer)
        apply(int(line), write)
        os._exit(0)
    os.close(write)
    with open(answer) as said:
        about_to_run = said.read()
    status = os.waitpid(child, 0)[1]
    print(json.dumps([about_to_run, os.waitstatus_to_exitcode(status)]), flush=True)
"""

# What is different from the document before each attempt: some to take away, some to give, some to make.
DRIFT = (
    "ALTER ROLE {app_a} CREATEDB",
    "DROP OWNED BY {report}",
    "DROP ROLE {report}",
    "GRANT CREATE ON SCHEMA {schema} TO {writer}",
    "ALTER ROLE {app_b} RESET statement_timeout",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT ON TABLES TO PUBLIC",
    "CREATE TABLE {schema}.wine (id int)",
    "ALTER TABLE {schema}.wine OWNER TO {owner}",
    "GRANT TRUNCATE ON {schema}.wine TO {writer}",
    "REVOKE SELECT ON {schema}.wine FROM {reader}",
)


@contextmanager
def apply_in_a_process(cellar: Access, directory: Path) -> Iterator[subprocess.Popen[str]]:
    file = directory / "given.json"
    file.touch(mode=0o600)
    given = {
        "document": cellar.raw,
        "endpoint": asdict(cellar.endpoint),
        "master": cellar.database.master,
        "password": cellar.database.password,
    }
    file.write_text(json.dumps(given))
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(file)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.communicate(timeout=30)
    assert process.returncode == 0


def attempt(process: subprocess.Popen[str], let_through: int) -> tuple[str, int]:
    """Apply until this many statements have run; what would have come next, and how it ended."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{let_through}\n")
    process.stdin.flush()
    about_to_run, exit_code = json.loads(process.stdout.readline())
    return about_to_run, exit_code


def state(cellar: Access) -> list[object]:
    """Everything that an apply changes, as the catalogs have it."""
    queries = (
        "SELECT r::text FROM pg_roles r WHERE rolname LIKE '{database}%' ORDER BY 1",
        "SELECT m::text FROM pg_auth_members m ORDER BY 1",
        "SELECT d::text FROM pg_shdescription d ORDER BY 1",
        "SELECT nspname::text, nspowner::text, nspacl::text FROM pg_namespace ORDER BY 1",
        "SELECT d::text FROM pg_default_acl d ORDER BY 1",
        "SELECT relname::text, relacl::text FROM pg_class WHERE relname = 'wine'",
        "SELECT s::text FROM pg_db_role_setting s ORDER BY 1",
        "SELECT datacl::text FROM pg_database WHERE datname = '{database}'",
    )
    with cellar.database.cluster.connect_as_superuser(cellar.database.name) as superuser:
        return [superuser.run(cellar.filled(query)) for query in queries]


def test_killed_before_any_statement_it_leaves_what_was_or_what_shall_be(cellar: Access, tmp_path: Path) -> None:
    cellar.apply()
    cellar.as_superuser(*DRIFT)
    before, planned = state(cellar), cellar.plan().statements
    assert len(planned) >= 10
    killed_at = []
    with apply_in_a_process(cellar, tmp_path) as process:
        for let_through in range(200):
            about_to_run, exit_code = attempt(process, let_through)
            if exit_code == 0:
                break
            assert exit_code == -signal.SIGKILL
            killed_at.append(about_to_run)
            if about_to_run.startswith("SELECT pg_advisory_unlock"):
                assert cellar.plan().statements == (), "killed after its commit"
            else:
                assert state(cellar) == before, f"killed before {about_to_run}"
    assert {statement.sql for statement in planned} <= set(killed_at)
    assert "COMMIT" in killed_at
    assert exit_code == 0, "the last attempt came to its end"
    assert cellar.plan().statements == ()
