"""What a program costs, as the operating system accounts for it."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError

_SAID_AT_MOST = 2000


@dataclass(frozen=True)
class Cost:
    """One run of a program, from its start to its end.

    Attributes:
        wall: Seconds that passed.
        cpu: Seconds that it computed, itself and in the kernel; what a server did for it is not in here.
    """

    wall: float
    cpu: float


def measured(argv: Sequence[str], environment: Mapping[str, str], output: Path) -> Cost:
    """Run a program to its end.

    Args:
        argv: The program and its arguments.
        environment: Its whole environment.
        output: The file that takes what it prints.

    Raises:
        BenchError: It ended with another status than 0.
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
        said = output.read_text(errors="replace")[-_SAID_AT_MOST:]
        raise BenchError(f"{argv[0]} ended with status {process.returncode}; it said, at last:\n{said}")
    return Cost(wall, usage.ru_utime + usage.ru_stime)
