"""Pure: what was measured, and what it comes to as text."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median

from bench.document import Target, table
from bench.service.candidates import HELLO, ON_ASYNCPG, ON_SQLALCHEMY, OURS
from bench.service.wrk import Load

MOST_FOR_DEPTH = 1.2


class Kind(Enum):
    """What is asked for."""

    GET = "GET /beers"
    POST = "POST /beers"
    FIRST = "the first page"
    DEEP = "the page after 1,000,000 beers"


# Requests a second, as a share of the other's; what was asked for.
_LEAST = (
    (Kind.GET, ON_SQLALCHEMY.name, 3.5),
    (Kind.GET, ON_ASYNCPG.name, 1.0),
    (Kind.GET, HELLO.name, 0.5),
    (Kind.POST, ON_SQLALCHEMY.name, 1.5),
)


@dataclass(frozen=True)
class Run:
    """One candidate, asked for one thing in one round.

    Attributes:
        service_cpu: Microseconds that its processes computed for each request.
        database_cpu: The same of PostgreSQL's.
    """

    candidate: str
    kind: Kind
    round: int
    load: Load
    service_cpu: float
    database_cpu: float


def targets(runs: Sequence[Run]) -> Iterator[Target]:
    """What is wanted, and what was found. A ratio is the median of the rounds' ratios."""
    for kind, peer, least in _LEAST:
        ratio = _ratio(runs, (OURS.name, kind), (peer, kind), lambda run: run.load.per_second)
        yield Target(f"{kind.value}, against {peer}", f"at least {least} times", f"{ratio:.2f} times", ratio >= least)
    for peer in (ON_SQLALCHEMY.name, ON_ASYNCPG.name):
        ratio = _ratio(runs, (OURS.name, Kind.GET), (peer, Kind.GET), lambda run: run.load.p99)
        yield Target(f"{Kind.GET.value}, p99 against {peer}", "at most 1 times", f"{ratio:.2f} times", ratio <= 1)
    ratio = _ratio(runs, (OURS.name, Kind.FIRST), (OURS.name, Kind.DEEP), lambda run: run.load.per_second)
    wanted = f"costs at most {MOST_FOR_DEPTH} times the first"
    yield Target(Kind.DEEP.value, wanted, f"{ratio:.2f} times", ratio <= MOST_FOR_DEPTH)


def comparison(runs: Sequence[Run]) -> str:
    """A line for each candidate and what it was asked for."""
    head = ("asked for", "of", "requests/s", "p50, ms", "p99, ms", "its CPU, us", "PostgreSQL's CPU, us")
    rows = []
    for kind, name in dict.fromkeys((run.kind, run.candidate) for run in sorted(runs, key=_place)):
        found = [run for run in runs if (run.kind, run.candidate) == (kind, name)]
        rate = [run.load.per_second for run in found]
        rows.append(
            (
                kind.value,
                name,
                f"{median(rate):,.0f} ({min(rate):,.0f} to {max(rate):,.0f})",
                f"{median(run.load.p50 for run in found):.1f}",
                f"{median(run.load.p99 for run in found):.0f}",
                f"{median(run.service_cpu for run in found):.0f}",
                f"{median(run.database_cpu for run in found):.0f}",
            )
        )
    return table(head, rows)


def memory(mebibytes: Mapping[str, float]) -> str:
    """What a worker of each candidate takes."""
    return table(("of", "a worker, MiB"), [(name, f"{found:.0f}") for name, found in mebibytes.items()])


def _place(run: Run) -> int:
    return list(Kind).index(run.kind)


def _ratio(
    runs: Sequence[Run], one: tuple[str, Kind], other: tuple[str, Kind], figure: Callable[[Run], float]
) -> float:
    """How many times the other's figure one's is: the median over the rounds, in each of which both were measured."""
    found = {(run.round, run.candidate, run.kind): figure(run) for run in runs}
    rounds = {run.round for run in runs}
    return median(found[number, *one] / found[number, *other] for number in rounds)
