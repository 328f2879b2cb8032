"""The measurements and their tables. No I/O."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from bench.access.workload import Size
from bench.document import Target, table
from bench.processes import Cost

OURS = "db_bootstrap"

TIMES_AS_FAST = 5
MAX_GROWTH = 1.5
MAX_QUERIES = 12
MAX_ZIP_BYTES = 3_000_000
MAX_IMPORT_SECONDS = 0.3
"""The targets."""


@dataclass(frozen=True)
class Result:
    """One tool at one size.

    Attributes:
        first: Runs that applied everything.
        again: Runs with nothing to do.
        start: Runs that only loaded the tool.
    """

    tool: str
    size: Size
    first: tuple[Cost, ...]
    again: tuple[Cost, ...]
    start: tuple[Cost, ...]

    @property
    def work(self) -> float:
        """Seconds of a run with nothing to do, without the start of the tool."""
        return min(_walls(self.again)) - min(_walls(self.start))


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


@dataclass(frozen=True)
class Handler:
    """The function's zip and the time to import it.

    Attributes:
        zip_bytes: The size of the zip.
        from_source: Seconds to import the handler without compiled files, as in Lambda.
        compiled: The same with compiled files, as on a developer's machine.
    """

    zip_bytes: int
    from_source: tuple[float, ...]
    compiled: tuple[float, ...]


def spread(seconds: Sequence[float]) -> str:
    """Return the median with minimum and maximum: ``0.12 (0.11 to 0.15)``."""
    return f"{median(seconds):.3g} ({min(seconds):.3g} to {max(seconds):.3g})"


def milliseconds(seconds: Sequence[float]) -> str:
    """Return `spread` in milliseconds, with the unit."""
    return f"{spread([1000 * one for one in seconds])} ms"


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
                spread(_walls(result.first)),
                f"{ratio(_walls(ours.first), _walls(result.first)):.1f}",
                spread(_walls(result.again)),
                f"{ratio(_walls(ours.again), _walls(result.again)):.1f}",
            )
        )
    return table(head, rows)


def settled(measured: Sequence[Settled]) -> str:
    """Return the table of `db_bootstrap` with nothing to do, by size."""
    head = ("schemas x tables", "tables and sequences", "whole process", "warm: connect", "warm: read and compare")
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


def targets(
    results: Sequence[Result], settled: Sequence[Settled], handler: Handler, queries: int
) -> tuple[Target, ...]:
    """Return the targets, in the order of the document.

    Args:
        results: Every tool at every size.
        settled: `db_bootstrap` at the same sizes.
        handler: The function.
        queries: Maximum number of queries that read the catalogs.
    """
    return (*_against_peers(results), *_alone(settled, handler, queries))


def _against_peers(results: Sequence[Result]) -> Iterator[Target]:
    for size in dict.fromkeys(result.size for result in results):
        ours = _ours(results, size)
        peers = [result for result in results if result.size == size and result is not ours]
        if peers:
            first = min(ratio(_walls(ours.first), _walls(peer.first)) for peer in peers)
            again = min(ratio(_walls(ours.again), _walls(peer.again)) for peer in peers)
            yield _at_least(f"{size}: first apply, against the faster peer", TIMES_AS_FAST, first)
            yield _at_least(f"{size}: nothing to do, against the faster peer", TIMES_AS_FAST, again)
            work = min(peer.work / ours.work for peer in peers)
            yield _at_least(f"{size}: the same, less the start of each tool", TIMES_AS_FAST, work)


def _alone(settled: Sequence[Settled], handler: Handler, queries: int) -> Iterator[Target]:
    least, most = (choice(settled, key=lambda one: one.size.total_tables) for choice in (min, max))
    if least != most:
        name = f"nothing to do: {most.size.total_tables:,} tables against {least.size.total_tables:,}"
        for how, small, large in (
            ("the whole command", least.whole, most.whole),
            ("without its start, connected", least.comparing, most.comparing),
        ):
            growth = ratio(small, large)
            limit = f"at most {MAX_GROWTH} times"
            yield Target(f"{name}, {how}", limit, f"{growth:.2f} times", growth <= MAX_GROWTH)
    yield Target("queries that read the catalogs", f"at most {MAX_QUERIES}", str(queries), queries <= MAX_QUERIES)
    size = handler.zip_bytes
    yield Target("the zip", f"at most {MAX_ZIP_BYTES:,} bytes", f"{size:,} bytes", size <= MAX_ZIP_BYTES)
    for how, seconds in (("from source", handler.from_source), ("compiled before", handler.compiled)):
        name = f"importing the handler without boto3, {how}"
        is_met = min(seconds) <= MAX_IMPORT_SECONDS
        limit = f"at most {1000 * MAX_IMPORT_SECONDS:.0f} ms"
        yield Target(name, limit, f"{1000 * min(seconds):.0f} ms", is_met)


def _at_least(name: str, limit: int, times: float) -> Target:
    return Target(name, f"at least {limit} times as fast", f"{times:.1f} times", times >= limit)


def _ours(results: Sequence[Result], size: Size) -> Result:
    return next(result for result in results if result.tool == OURS and result.size == size)


def _walls(costs: Sequence[Cost]) -> list[float]:
    return [cost.wall for cost in costs]
