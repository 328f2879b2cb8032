"""The measurements and their tables. No I/O."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median

from bench.document import Target, table
from bench.service.candidates import HELLO, ON_ASYNCPG, ON_SQLALCHEMY, OURS
from bench.service.wrk import Load

MAX_COST_OF_DEPTH = 1.2


class Kind(Enum):
    """The kind of request."""

    GET = "GET /beers"
    POST = "POST /beers"
    FIRST = "the first page"
    DEEP = "the page after 1,000,000 beers"


# Targets: requests per second, relative to the other's.
_MINIMUMS = (
    (Kind.GET, ON_SQLALCHEMY.name, 3.5),
    (Kind.GET, ON_ASYNCPG.name, 1.0),
    (Kind.GET, HELLO.name, 0.5),
    (Kind.POST, ON_SQLALCHEMY.name, 1.5),
)


@dataclass(frozen=True)
class Run:
    """One candidate with one kind of request in one round.

    Attributes:
        service_cpu: CPU microseconds of its processes for each request.
        database_cpu: CPU microseconds of PostgreSQL for each request.
    """

    candidate: str
    kind: Kind
    round: int
    load: Load
    service_cpu: float
    database_cpu: float


def targets(runs: Sequence[Run]) -> Iterator[Target]:
    """Yield the targets. A ratio is the median of the rounds' ratios."""
    for kind, peer, least in _MINIMUMS:
        ratio = _ratio(runs, (OURS.name, kind), (peer, kind), lambda run: run.load.per_second)
        yield Target(f"{kind.value}, against {peer}", f"at least {least} times", f"{ratio:.2f} times", ratio >= least)
    for peer in (ON_SQLALCHEMY.name, ON_ASYNCPG.name):
        ratio = _ratio(runs, (OURS.name, Kind.GET), (peer, Kind.GET), lambda run: run.load.p99)
        yield Target(f"{Kind.GET.value}, p99 against {peer}", "at most 1 times", f"{ratio:.2f} times", ratio <= 1)
    ratio = _ratio(runs, (OURS.name, Kind.FIRST), (OURS.name, Kind.DEEP), lambda run: run.load.per_second)
    limit = f"costs at most {MAX_COST_OF_DEPTH} times the first"
    yield Target(Kind.DEEP.value, limit, f"{ratio:.2f} times", ratio <= MAX_COST_OF_DEPTH)


def comparison(runs: Sequence[Run]) -> str:
    """Return a table with a row for each candidate and kind of request."""
    head = ("request", "service", "requests/s", "p50, ms", "p99, ms", "its CPU, us", "PostgreSQL's CPU, us")
    rows = []
    for kind, name in dict.fromkeys((run.kind, run.candidate) for run in sorted(runs, key=_kind_number)):
        matching = [run for run in runs if (run.kind, run.candidate) == (kind, name)]
        rate = [run.load.per_second for run in matching]
        rows.append(
            (
                kind.value,
                name,
                f"{median(rate):,.0f} ({min(rate):,.0f} to {max(rate):,.0f})",
                f"{median(run.load.p50 for run in matching):.1f}",
                f"{median(run.load.p99 for run in matching):.0f}",
                f"{median(run.service_cpu for run in matching):.0f}",
                f"{median(run.database_cpu for run in matching):.0f}",
            )
        )
    return table(head, rows)


def memory(mebibytes: Mapping[str, float]) -> str:
    """Return the table of memory."""
    return table(("service", "a worker, MiB"), [(name, f"{size:.0f}") for name, size in mebibytes.items()])


def _kind_number(run: Run) -> int:
    return list(Kind).index(run.kind)


def _ratio(
    runs: Sequence[Run], one: tuple[str, Kind], other: tuple[str, Kind], figure: Callable[[Run], float]
) -> float:
    """Return one's figure divided by the other's: the median over the rounds, each of which has both."""
    figures = {(run.round, run.candidate, run.kind): figure(run) for run in runs}
    rounds = {run.round for run in runs}
    return median(figures[number, *one] / figures[number, *other] for number in rounds)
