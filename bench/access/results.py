"""The measurements and their tables. No I/O."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from bench.access.workload import Size
from bench.document import Target, table

OURS = "db_bootstrap"

SMALL_TABLES = 1_000
TIMES_AS_FAST_IF_SMALL, TIMES_AS_FAST = 2, 2.5
MAX_START_SECONDS = 0.07
MAX_COMPARE_SECONDS = 0.045
MAX_QUERIES = 12
"""The targets; the time to compare is that of a database of `SMALL_TABLES` tables and as many sequences."""


@dataclass(frozen=True)
class Result:
    """One tool at one size; seconds.

    Attributes:
        first: Runs that applied everything.
        again: Runs with nothing to do.
        start: Runs that only loaded the tool.
    """

    tool: str
    size: Size
    first: tuple[float, ...]
    again: tuple[float, ...]
    start: tuple[float, ...]


@dataclass(frozen=True)
class Settled:
    """`db_bootstrap` at one size with nothing to do; seconds.

    Attributes:
        whole: Whole processes, from start to end.
        connecting: In a warm process, such as a warm function: connecting with a password over verified TLS.
        comparing: In the same process: reading the catalogs and comparing, as `plan` does.
    """

    size: Size
    whole: tuple[float, ...]
    connecting: tuple[float, ...]
    comparing: tuple[float, ...]


def spread(seconds: Sequence[float]) -> str:
    """Return the median with minimum and maximum: ``0.12 (0.11-0.15)``."""
    return f"{median(seconds):.3g} ({min(seconds):.3g}-{max(seconds):.3g})"


def milliseconds(seconds: Sequence[float]) -> str:
    """Return `spread` in milliseconds."""
    return spread([1000 * one for one in seconds])


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return theirs divided by ours, by the minimums: other load on the machine only adds time."""
    return min(theirs) / min(ours)


def comparison(results: Sequence[Result]) -> str:
    """Return the table of all tools at all sizes."""
    head = ("schemas x tables", "tool", "first apply, s", "times ours", "nothing to do, s", "times ours")
    rows = []
    for result in results:
        ours = _ours(results, result.size)
        rows.append(
            (
                str(result.size),
                result.tool,
                spread(result.first),
                f"{ratio(ours.first, result.first):.1f}",
                spread(result.again),
                f"{ratio(ours.again, result.again):.1f}",
            )
        )
    return table(head, rows)


def settled(measured: Sequence[Settled]) -> str:
    """Return the table of `db_bootstrap` with nothing to do, by size."""
    head = ("schemas x tables", "tables and sequences", "whole process, ms", "warm: connect, ms", "warm: compare, ms")
    return table(
        head,
        [
            (
                str(one.size),
                f"{2 * one.size.total_tables:,}",
                milliseconds(one.whole),
                milliseconds(one.connecting),
                milliseconds(one.comparing),
            )
            for one in measured
        ],
    )


def targets(results: Sequence[Result], settled: Sequence[Settled], queries: int) -> tuple[Target, ...]:
    """Return the targets, in the order of the document.

    Args:
        results: Every tool at every size.
        settled: `db_bootstrap` at the same sizes.
        queries: Maximum number of queries that read the catalogs.
    """
    return (*_against_peers(results), *_alone(results, settled, queries))


def _against_peers(results: Sequence[Result]) -> Iterator[Target]:
    for size in dict.fromkeys(result.size for result in results):
        ours = _ours(results, size)
        peers = [result for result in results if result.size == size and result is not ours]
        wanted = TIMES_AS_FAST_IF_SMALL if size.total_tables <= SMALL_TABLES else TIMES_AS_FAST
        first = min((ratio(ours.first, peer.first) for peer in peers), default=0)
        again = min((ratio(ours.again, peer.again) for peer in peers), default=0)
        for what, times in (("first apply", first), ("nothing to do", again)):
            name = f"{size}: {what}"
            yield Target(name, f"at least {wanted}x", f"{times:.1f}x", times >= wanted)


def _alone(results: Sequence[Result], settled: Sequence[Settled], queries: int) -> Iterator[Target]:
    yield _at_most("start", MAX_START_SECONDS, min(min(one.start) for one in results if one.tool == OURS))
    for one in settled:
        if one.size.total_tables <= SMALL_TABLES:
            name = f"nothing to do, warm and connected, {2 * one.size.total_tables:,} relations"
            yield _at_most(name, MAX_COMPARE_SECONDS, min(one.comparing))
    yield Target("queries that read the catalogs", f"at most {MAX_QUERIES}", str(queries), queries <= MAX_QUERIES)


def _at_most(name: str, limit: float, seconds: float) -> Target:
    return Target(name, f"at most {1000 * limit:.0f} ms", f"{1000 * seconds:.0f} ms", seconds <= limit)


def _ours(results: Sequence[Result], size: Size) -> Result:
    return next(result for result in results if result.tool == OURS and result.size == size)
