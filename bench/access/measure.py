"""Run the tools in turn, and `db_bootstrap` in this process too."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench.access import tools
from bench.access.results import Result, Settled
from bench.access.stage import Stage
from bench.access.tools import Tool
from bench.access.workload import Size, access_document
from bench.errors import BenchError
from bench.processes import Cost, measured
from db_bootstrap import apply as reconcile
from db_bootstrap import document as access
from db_bootstrap.document import AccessDocument
from db_bootstrap.inspect.session import connected_as_master

AGAIN_PER_RUN = 3
"""Runs with nothing to do after each first one: they are short, and so their spread is wide."""

_RUNS_UNTIL_SETTLED = 5
_SETTLED_RUNS = 15


def compare(stage: Stage, runs: int, folder: Path, note: Callable[[str], None]) -> list[Result]:
    """Every tool, ``runs`` times, in another order each time.

    Raises:
        BenchError: A tool failed, or did not put in place what was wished for.
    """
    participants = [make(stage, folder) for make in (tools.ours, tools.pgbedrock, tools.ldap2pg)]
    first: dict[str, list[Cost]] = {tool.name: [] for tool in participants}
    again: dict[str, list[Cost]] = {tool.name: [] for tool in participants}
    start: dict[str, list[Cost]] = {tool.name: [] for tool in participants}
    messages: dict[str, tuple[int, int]] = {}
    settling: dict[str, int] = {}
    for run in range(runs):
        for tool in _rotated(participants, run):
            note(f"{stage.size}, run {run + 1} of {runs}: {tool.name}")
            stage.reset()
            first[tool.name].append(_run(tool, folder))
            settling[tool.name] = _settle(tool, folder)
            again[tool.name] += (_run(tool, folder, must_be_settled=True) for _ in range(AGAIN_PER_RUN))
            start[tool.name] += (_start(tool, folder) for _ in range(AGAIN_PER_RUN))
            stage.check()
    for tool in participants:
        note(f"{stage.size}: counting the messages of {tool.name}")
        messages[tool.name] = _count_messages(stage, tool, folder)
    return [
        Result(
            tool.name,
            stage.size,
            tuple(first[tool.name]),
            tuple(again[tool.name]),
            tuple(start[tool.name]),
            *messages[tool.name],
            settling[tool.name],
        )
        for tool in participants
    ]


def settled(stages: Sequence[Stage], folder: Path) -> list[Settled]:
    """`db_bootstrap` where nothing is left to do, at all sizes in turn, so that a slow moment meets each of them.

    Raises:
        BenchError: Something was left to do.
    """
    ours = [tools.ours(stage, folder / str(stage.size)) for stage in stages]
    documents = [access.parse(access_document(stage.size)) for stage in stages]
    for stage, tool in zip(stages, ours, strict=True):
        stage.reset()
        _run(tool, folder)
    rounds = [
        [
            (_run(tool, folder, must_be_settled=True).wall, *_inside(stage, document))
            for stage, tool, document in zip(stages, ours, documents, strict=True)
        ]
        for _ in range(_SETTLED_RUNS)
    ]
    return [
        Settled(stage.size, *zip(*taken, strict=True))
        for stage, taken in zip(stages, zip(*rounds, strict=True), strict=True)
    ]


def _inside(stage: Stage, document: AccessDocument) -> tuple[float, float]:
    """Seconds to connect, and to find nothing to do, without starting Python anew."""
    start = time.perf_counter()
    with connected_as_master(stage.endpoint, lambda: stage.master, patience_seconds=0) as connection:
        connected = time.perf_counter()
        found = reconcile.plan(connection, document)
        compared = time.perf_counter()
    if found.statements or found.refusals:
        raise BenchError(f"Something was left to do: {found.statements[:3]} {found.refusals[:3]}")
    return connected - start, compared - connected


def sizes(text: str) -> tuple[Size, ...]:
    """Read sizes such as ``20x50,40x100``.

    Raises:
        ValueError: One of them is none.
    """
    return tuple(Size.parse(part) for part in text.split(","))


def _rotated(participants: Sequence[Tool], by: int) -> Iterator[Tool]:
    start = by % len(participants)
    yield from participants[start:]
    yield from participants[:start]


def _run(tool: Tool, folder: Path, *, must_be_settled: bool = False) -> Cost:
    cost = measured(tool.argv, tool.environment, folder / "output")
    if must_be_settled and not _found_nothing(tool, folder):
        raise BenchError(f"{tool.name} had settled, and then found something to do again.")
    return cost


def _start(tool: Tool, folder: Path) -> Cost:
    return measured(tool.start, tool.environment, folder / "output")


def _settle(tool: Tool, folder: Path) -> int:
    for count in range(1, _RUNS_UNTIL_SETTLED + 1):
        _run(tool, folder)
        if _found_nothing(tool, folder):
            return count
    raise BenchError(f"{tool.name} still finds something to do after {_RUNS_UNTIL_SETTLED} runs.")


def _count_messages(stage: Stage, tool: Tool, folder: Path) -> tuple[int, int]:
    stage.reset()
    with stage.counting_messages() as first:
        _run(tool, folder)
    _settle(tool, folder)
    with stage.counting_messages() as again:
        _run(tool, folder, must_be_settled=True)
    return len(first), len(again)


def _found_nothing(tool: Tool, folder: Path) -> bool:
    return tool.settled in (folder / "output").read_text(errors="replace")
