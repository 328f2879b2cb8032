"""The time that a program takes, as the operating system measures it."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError

_MAX_OUTPUT = 2000


@dataclass(frozen=True)
class Cost:
    """The time of one run of a program.

    Attributes:
        wall: Elapsed seconds.
        cpu: CPU seconds in user and kernel mode, without those of servers.
    """

    wall: float
    cpu: float


def measured(argv: Sequence[str], environment: Mapping[str, str], output: Path) -> Cost:
    """Run a program.

    Args:
        argv: The program and its arguments.
        environment: Its whole environment.
        output: The file for its output.

    Raises:
        BenchError: Its exit status is not 0.
    """
    with output.open("wb") as file:
        start = time.perf_counter()
        process = subprocess.Popen(
            argv, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        tail = output.read_text(errors="replace")[-_MAX_OUTPUT:]
        raise BenchError(f"{argv[0]} exited with status {process.returncode}; its output ends with:\n{tail}")
    return Cost(wall, usage.ru_utime + usage.ru_stime)
