"""An apply in a process that is killed before one of its statements."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from devtools.checkout import CHECKOUT
from tests.support.access import Access

# Reads how many statements to let through, a line a time; forks an apply that is killed before the next one; answers
# what the apply was about to say, or nothing if it came to its end. Forking saves importing everything again.
_PROGRAM = """
import json, os, signal, sys
from pg8000.native import Connection
from db_bootstrap.apply import apply, locked
from db_bootstrap.document import parse_document
from db_bootstrap.model import Credential, Endpoint
from db_bootstrap.inspect.session import connected_as_master

given = json.load(open(sys.argv[1]))
document = parse_document(given["document"])

def apply_until(let_through, answer):
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
    with connected_to(given["endpoint"]["database"]) as connection, locked(connection):
        apply(connection, document, elsewhere=connected_to)

for line in sys.stdin:
    answer, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(answer)
        apply_until(int(line), write)
        os._exit(0)
    os.close(write)
    with open(answer) as said:
        about_to_run = said.read()
    status = os.waitpid(child, 0)[1]
    print(json.dumps([about_to_run, os.waitstatus_to_exitcode(status)]), flush=True)
"""


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
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(file)],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.communicate(timeout=120)
    assert process.returncode == 0


def attempt(process: subprocess.Popen[str], let_through: int) -> tuple[str, int]:
    """Apply until this many statements have run; what would have come next, and how it ended."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{let_through}\n")
    process.stdin.flush()
    about_to_run, exit_code = json.loads(process.stdout.readline())
    return about_to_run, exit_code
