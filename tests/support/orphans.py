"""End the servers of a process that runs tests if it is killed: no fixture stops them then.

As a program: wait until standard input ends, then end what the registers below a folder name.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devtools.checkout import CHECKOUT
from devtools.processes import end_still_running


@contextmanager
def ended_if_killed(folder: Path) -> Iterator[None]:
    """Let a process of its own session wait for the death of this one; its input ends with it."""
    program = [sys.executable, "-m", "tests.support.orphans", str(folder)]
    with subprocess.Popen(program, cwd=CHECKOUT, stdin=subprocess.PIPE, start_new_session=True) as watcher:
        yield
        watcher.kill()


if __name__ == "__main__":
    sys.stdin.read()
    for register in Path(sys.argv[1]).rglob("processes.jsonl"):
        end_still_running(register)
