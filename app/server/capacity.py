"""The CPU and memory available to this process, and the number of workers that fit.

A container seldom has the whole machine that Python sees. Fargate reports a task's limits at its metadata endpoint,
other platforms set them in control groups; without either, the machine is the limit.
"""

import json
import math
import os
import urllib.request
from dataclasses import dataclass
from pathlib import Path

MEBIBYTE = 1024 * 1024
# Twice the measured memory of a worker (52 MB, with its share of the shared pages), and that of the master.
WORKER_MEBIBYTES = 110
MASTER_MEBIBYTES = 60

# One continues while another is replaced.
MIN_WORKERS = 2

_CONTROL_GROUPS = Path("/sys/fs/cgroup")
_METADATA_SECONDS = 1.0


@dataclass(frozen=True)
class Capacity:
    """A share of a machine.

    Attributes:
        processors: In cores, such as 0.25.
        memory_mebibytes: The memory limit.
    """

    processors: float
    memory_mebibytes: int


def worker_count(capacity: Capacity) -> int:
    """Return one worker for each started core, at least two, and no more than fit into the memory."""
    desired = max(MIN_WORKERS, math.ceil(capacity.processors))
    fitting = (capacity.memory_mebibytes - MASTER_MEBIBYTES) // WORKER_MEBIBYTES
    return max(1, min(desired, fitting))


def capacity(task_metadata_uri: str | None, control_groups: Path = _CONTROL_GROUPS) -> Capacity:
    """Return the least of what the machine, the control group and the task at ``task_metadata_uri`` allow."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // MEBIBYTE
    shares = [Capacity(_machine_processors(), pages), _of_control_group(control_groups)]
    if task_metadata_uri:
        shares.append(_of_task(task_metadata_uri))
    return Capacity(min(share.processors for share in shares), min(share.memory_mebibytes for share in shares))


_UNLIMITED = Capacity(math.inf, 2**40)


def _machine_processors() -> int:
    # macOS has no sched_getaffinity.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _of_control_group(folder: Path) -> Capacity:
    processors, memory = _UNLIMITED.processors, _UNLIMITED.memory_mebibytes
    quota, _, period = _text(folder / "cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit() and int(period):
        processors = int(quota) / int(period)
    limit = _text(folder / "memory.max")
    if limit.isdigit():
        memory = int(limit) // MEBIBYTE
    return Capacity(processors, memory)


def _of_task(uri: str) -> Capacity:
    """Return the task's limits as ECS reports them.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html
    """
    try:
        with urllib.request.urlopen(f"{uri}/task", timeout=_METADATA_SECONDS) as answer:  # noqa: S310 - ECS's own address
            limits = json.load(answer)["Limits"]
        return Capacity(float(limits["CPU"]), int(limits["Memory"]))
    except (OSError, ValueError, KeyError, TypeError):
        return _UNLIMITED


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
