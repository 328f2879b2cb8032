"""Attempts in processes that are killed, and an apply that is killed before one of its statements."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from devtools.checkout import CHECKOUT
from tests.support.access import Access

# Reads an attempt a line; forks a process that makes it and may be killed; answers what that process has written, and
# how it ended. Forking saves importing everything again.
_LOOP = """
for line in sys.stdin:
    answer, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(answer)
        make(json.loads(line), write)
        os._exit(0)
    os.close(write)
    with open(answer) as said:
        written = said.read()
    status = os.waitpid(child, 0)[1]
    print(json.dumps([written, os.waitstatus_to_exitcode(status)]), flush=True)
"""

# Lets so many statements through, and writes the one before which it is killed.
_APPLY = """
from pg8000.native import Connection
from db_bootstrap.apply import apply, locked
from db_bootstrap.document import parse_document
from db_bootstrap.model import Credential, Endpoint
from db_bootstrap.inspect.session import connected_as_master

document = parse_document(given["document"])

def make(let_through, answer):
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
"""


@contextmanager
def attempts(program: str, given: dict[str, Any], directory: Path) -> Iterator[Callable[[object], tuple[str, int]]]:
    """Start a process for attempts; yield what makes one, and returns what it wrote last and how it ended.

    The program's function ``make`` gets an attempt and a file descriptor to write to; ``given`` is a variable of it.
    """
    file = directory / "given.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(given))
    start = "import json, os, signal, sys\ngiven = json.load(open(sys.argv[1]))\n"
    with subprocess.Popen(
        [sys.executable, "-c", f"{start}{program}{_LOOP}", str(file)],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def attempt(asked: object) -> tuple[str, int]:
            assert process.stdin
            assert process.stdout
            process.stdin.write(f"{json.dumps(asked)}\n")
            process.stdin.flush()
            written, exit_code = json.loads(process.stdout.readline())
            return written, exit_code

        yield attempt
        process.communicate(timeout=120)
    assert process.returncode == 0


def applies(cellar: Access, directory: Path) -> AbstractContextManager[Callable[[object], tuple[str, int]]]:
    """Start a process for applies that let through a number of statements each."""
    given = {
        "document": cellar.raw,
        "endpoint": asdict(cellar.endpoint),
        "master": cellar.database.master,
        "password": cellar.database.password,
    }
    return attempts(_APPLY, given, directory)
