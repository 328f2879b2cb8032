"""The time that a program takes."""

import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.errors import BenchError

_MAX_OUTPUT = 2000


def measured(argv: Sequence[str], environment: Mapping[str, str], output: Path) -> float:
    """Run a program, and return the elapsed seconds.

    Args:
        argv: The program and its arguments.
        environment: Its whole environment.
        output: The file for its output.

    Raises:
        BenchError: Its exit status is not 0.
    """
    with output.open("wb") as file:
        start = time.perf_counter()
        done = subprocess.run(
            argv, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, check=False
        )
        wall = time.perf_counter() - start
    if done.returncode != 0:
        tail = output.read_text(errors="replace")[-_MAX_OUTPUT:]
        raise BenchError(f"{argv[0]} exited with status {done.returncode}; its output ends with:\n{tail}")
    return wall
