"""Measure the candidates in rounds, so that load from outside affects all of them."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from app.database.migrate import migrate
from bench.service.candidates import CANDIDATES, OURS, Running, cpu_seconds, running
from bench.service.results import Kind, Run
from bench.service.wrk import load
from devtools.postgres.binaries import Binaries
from tests.support.catalogue_database import CatalogueDatabase
from tests.support.database import Database, running_cluster

BEERS = 1_000_100
DEPTH = 1_000_000

_BATCH_SIZE = 50_000

_SCRIPT = Path(__file__).parent / "post.lua"
_BEERS = """
    INSERT INTO beers.beers (name, style, brewery, abv)
    SELECT 'Beer number ' || i, 'Style ' || i % 40, 'Brewery ' || i % 500, i % 1500 / 100.0
    FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS i
"""


def measure(
    rounds: int, seconds: int, folder: Path, progress: Callable[[str], None]
) -> tuple[Sequence[Run], dict[str, float]]:
    """Return all runs, and the memory of a worker of each candidate in MiB.

    Raises:
        BenchError: A candidate does not respond, or with errors.
    """
    with catalogue_of_a_million(folder, progress) as catalogue, ExitStack() as stack:
        candidates = [stack.enter_context(running(one, catalogue, folder)) for one in CANDIDATES]
        postgres = _postmaster(catalogue)
        for one in candidates:
            load(one.url, 1)  # opens connections, prepares statements, warms up
        runs: list[Run] = []
        for number in range(rounds):
            progress(f"round {number + 1} of {rounds}")
            for one, kind in _schedule(candidates, number):
                runs.append(_run(one, kind, number, seconds, postgres))
        return runs, {one.candidate.name: one.worker_mebibytes() for one in candidates}


def _schedule(candidates: Sequence[Running], number: int) -> Iterator[tuple[Running, Kind]]:
    """Yield the runs of a round: comparable runs are adjacent, and each round starts with another candidate."""
    first = number % len(candidates)
    order = [*candidates[first:], *candidates[:first]]
    yield from ((one, Kind.GET) for one in order)
    yield from ((one, Kind.POST) for one in order if one.candidate.accepts_post)
    ours = next(one for one in candidates if one.candidate is OURS)
    yield from ((ours, kind) for kind in ((Kind.FIRST, Kind.DEEP) if number % 2 else (Kind.DEEP, Kind.FIRST)))


def _run(one: Running, kind: Kind, number: int, seconds: int, postgres: psutil.Process) -> Run:
    script = (str(_SCRIPT), secrets.token_hex(4)) if kind is Kind.POST else ()
    url = f"{one.url}?after={DEPTH}" if kind is Kind.DEEP else one.url
    service, database = one.cpu_seconds(), cpu_seconds(postgres)
    result = load(url, seconds, script)
    return Run(
        one.candidate.name,
        kind,
        number,
        result,
        1e6 * (one.cpu_seconds() - service) / result.requests,
        1e6 * (cpu_seconds(postgres) - database) / result.requests,
    )


@contextmanager
def catalogue_of_a_million(folder: Path, progress: Callable[[str], None]) -> Iterator[CatalogueDatabase]:
    """Run a server with a catalogue of BEERS beers for the duration of the block."""
    settings = {"log_connections": "off", "shared_buffers": "512MB", "max_wal_size": "8GB"}
    with running_cluster(Binaries.find(), folder, settings) as cluster:
        catalogue = CatalogueDatabase(Database(cluster, "bench"))
        migrate(catalogue.settings(catalogue.migrator))
        progress(f"adding {BEERS:,} beers")
        for first in range(1, BEERS, _BATCH_SIZE):
            catalogue.admin(_BEERS, first=first, last=min(BEERS, first + _BATCH_SIZE - 1))
        catalogue.admin("VACUUM ANALYZE beers.beers")
        catalogue.admin("CHECKPOINT")
        yield catalogue


def _postmaster(catalogue: CatalogueDatabase) -> psutil.Process:
    with catalogue.cluster.connect_as_superuser() as connection:
        ((backend,),) = connection.run("SELECT pg_backend_pid()")
        parent = psutil.Process(backend).parent()
    assert parent is not None
    return parent
