"""Ask every candidate in turn, in rounds, so that a slow moment of the machine meets all of them."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from app.database.migrate import migrate
from bench.service.candidates import CANDIDATES, OURS, Running, cpu_seconds, running
from bench.service.results import Kind, Run
from bench.service.wrk import load
from devtools.certificates import create_authority
from devtools.postgres.binaries import Binaries
from devtools.postgres.cluster import Cluster
from devtools.processes import ProcessRegister
from tests.support.catalogue_database import CatalogueDatabase
from tests.support.database import Database

BEERS = 1_000_100
DEPTH = 1_000_000

_AT_ONCE = 50_000

_SCRIPT = Path(__file__).parent / "post.lua"
_BEERS = """
    INSERT INTO beers.beers (name, style, brewery, abv)
    SELECT 'Beer number ' || i, 'Style ' || i % 40, 'Brewery ' || i % 500, i % 1500 / 100.0
    FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS i
"""


def measure(
    rounds: int, seconds: int, folder: Path, note: Callable[[str], None]
) -> tuple[Sequence[Run], dict[str, float]]:
    """All runs, and what a worker of each candidate takes in MiB.

    Raises:
        BenchError: A candidate does not answer, or not with successes alone.
    """
    with catalogue_of_a_million(folder, note) as catalogue, ExitStack() as stack:
        candidates = [stack.enter_context(running(one, catalogue, folder)) for one in CANDIDATES]
        postgres = _postmaster(catalogue)
        for one in candidates:
            load(one.url, 1)  # connections open, statements are prepared, code is warm
        runs: list[Run] = []
        for number in range(rounds):
            note(f"round {number + 1} of {rounds}")
            for one, kind in _turns(candidates, number):
                runs.append(_run(one, kind, number, seconds, postgres))
        return runs, {one.candidate.name: one.worker_mebibytes() for one in candidates}


def _turns(candidates: Sequence[Running], number: int) -> Iterator[tuple[Running, Kind]]:
    """Who is asked for what in a round; what is compared stands close together, and another one begins each time."""
    first = number % len(candidates)
    in_turn = [*candidates[first:], *candidates[:first]]
    yield from ((one, Kind.GET) for one in in_turn)
    yield from ((one, Kind.POST) for one in in_turn if one.candidate.adds)
    ours = next(one for one in candidates if one.candidate is OURS)
    yield from ((ours, kind) for kind in ((Kind.FIRST, Kind.DEEP) if number % 2 else (Kind.DEEP, Kind.FIRST)))


def _run(one: Running, kind: Kind, number: int, seconds: int, postgres: psutil.Process) -> Run:
    script = (str(_SCRIPT), secrets.token_hex(4)) if kind is Kind.POST else ()
    url = f"{one.url}?after={DEPTH}" if kind is Kind.DEEP else one.url
    service, database = one.cpu_seconds(), cpu_seconds(postgres)
    found = load(url, seconds, script)
    return Run(
        one.candidate.name,
        kind,
        number,
        found,
        1e6 * (one.cpu_seconds() - service) / found.requests,
        1e6 * (cpu_seconds(postgres) - database) / found.requests,
    )


@contextmanager
def catalogue_of_a_million(folder: Path, note: Callable[[str], None]) -> Iterator[CatalogueDatabase]:
    """A server with a catalogue of BEERS beers, ended at the end."""
    cluster = Cluster(
        Binaries.find(),
        create_authority(folder / "authority"),
        processes=ProcessRegister(folder / "processes.jsonl"),
        log=folder / "postgresql.log",
        settings={"log_connections": "off", "shared_buffers": "512MB", "max_wal_size": "8GB"},
    )
    try:
        cluster.start()
        catalogue = CatalogueDatabase(Database(cluster, "bench"))
        migrate(catalogue.settings(catalogue.migrator))
        note(f"adding {BEERS:,} beers")
        for first in range(1, BEERS, _AT_ONCE):
            catalogue.admin(_BEERS, first=first, last=min(BEERS, first + _AT_ONCE - 1))
        catalogue.admin("VACUUM ANALYZE beers.beers")
        catalogue.admin("CHECKPOINT")
        yield catalogue
    finally:
        cluster.stop()


def _postmaster(catalogue: CatalogueDatabase) -> psutil.Process:
    with catalogue.cluster.connect_as_superuser() as connection:
        ((backend,),) = connection.run("SELECT pg_backend_pid()")
        parent = psutil.Process(backend).parent()
    assert parent is not None
    return parent
