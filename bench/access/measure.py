"""Measure the tools in rotation, and `db_bootstrap` also within this process."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench.access import tools
from bench.access.results import Result, Settled
from bench.access.server import BenchServer
from bench.access.tools import Tool
from bench.access.workload import Size, access_document
from bench.errors import BenchError
from bench.processes import measured
from db_bootstrap.document import parse_document
from db_bootstrap.document.model import AccessDocument
from db_bootstrap.inspect.session import connected_as_master
from db_bootstrap.plan import make_plan

AGAIN_PER_RUN = 3
"""Runs with nothing to do after each first run: they are short, so their spread is wide."""

_RUNS_UNTIL_SETTLED = 5
_SETTLED_RUNS = 15


def compare(server: BenchServer, runs: int, folder: Path, progress: Callable[[str], None]) -> list[Result]:
    """Measure every tool ``runs`` times, in a different order each time.

    Raises:
        BenchError: A tool failed, or did not apply the desired access.
    """
    participants = [make(server, folder) for make in (tools.ours, tools.ldap2pg)]
    first: dict[str, list[float]] = {tool.name: [] for tool in participants}
    again: dict[str, list[float]] = {tool.name: [] for tool in participants}
    start: dict[str, list[float]] = {tool.name: [] for tool in participants}
    for run in range(runs):
        for tool in _rotated(participants, run):
            progress(f"{server.size}, run {run + 1} of {runs}: {tool.name}")
            server.reset()
            first[tool.name].append(_run(tool, folder))
            _settle(tool, folder)
            again[tool.name] += (_run(tool, folder, must_be_settled=True) for _ in range(AGAIN_PER_RUN))
            start[tool.name] += (_start(tool, folder) for _ in range(AGAIN_PER_RUN))
            server.check()
    return [
        Result(tool.name, server.size, tuple(first[tool.name]), tuple(again[tool.name]), tuple(start[tool.name]))
        for tool in participants
    ]


def settled(servers: Sequence[BenchServer], folder: Path) -> list[Settled]:
    """Measure `db_bootstrap` with nothing to do, all sizes in rotation, so that load from outside affects all of them.

    Raises:
        BenchError: There was something to do.
    """
    ours = [tools.ours(server, folder / str(server.size)) for server in servers]
    documents = [parse_document(access_document(server.size)) for server in servers]
    for server, tool in zip(servers, ours, strict=True):
        server.reset()
        _run(tool, folder)
    rounds = [
        [
            (_run(tool, folder, must_be_settled=True), *_inside(server, document))
            for server, tool, document in zip(servers, ours, documents, strict=True)
        ]
        for _ in range(_SETTLED_RUNS)
    ]
    return [
        Settled(server.size, *zip(*taken, strict=True))
        for server, taken in zip(servers, zip(*rounds, strict=True), strict=True)
    ]


def _inside(server: BenchServer, document: AccessDocument) -> tuple[float, float]:
    """Return the seconds to connect and the seconds to plan, within this process."""
    start = time.perf_counter()
    with connected_as_master(server.endpoint, lambda: server.master, retry_seconds=0) as connection:
        connected = time.perf_counter()
        plan = make_plan(connection, document)
        compared = time.perf_counter()
    if plan.statements or plan.refusals:
        raise BenchError(f"Expected nothing to do: {plan.statements[:3]} {plan.refusals[:3]}")
    return connected - start, compared - connected


def sizes(text: str) -> tuple[Size, ...]:
    """Parse sizes such as ``20x50,40x100``.

    Raises:
        ValueError: One of them is not a valid size.
    """
    return tuple(Size.parse(part) for part in text.split(","))


def _rotated(participants: Sequence[Tool], by: int) -> Iterator[Tool]:
    start = by % len(participants)
    yield from participants[start:]
    yield from participants[:start]


def _run(tool: Tool, folder: Path, *, must_be_settled: bool = False) -> float:
    seconds = measured(tool.argv, tool.environment, folder / "output")
    if must_be_settled and not _found_nothing(tool, folder):
        raise BenchError(f"{tool.name} is not idempotent: it found something to do again.")
    return seconds


def _start(tool: Tool, folder: Path) -> float:
    return measured(tool.start, tool.environment, folder / "output")


def _settle(tool: Tool, folder: Path) -> None:
    for _ in range(_RUNS_UNTIL_SETTLED):
        _run(tool, folder)
        if _found_nothing(tool, folder):
            return
    raise BenchError(f"{tool.name} does not converge within {_RUNS_UNTIL_SETTLED} runs.")


def _found_nothing(tool: Tool, folder: Path) -> bool:
    return tool.settled in (folder / "output").read_text(errors="replace")
