"""Measure the candidates in rounds, so that load from outside affects all of them."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.errors import BenchError
from bench.service.candidates import CANDIDATES, Running, cpu_seconds, running
from devtools.postgres.binaries import Binaries
from tests.support.catalogue_database import CatalogueDatabase, migrated_catalogue
from tests.support.database import running_cluster

BEERS = 1_000_100
CONNECTIONS = 32
SCRIPTS = {"one page": (), "random pages": ("--script", str(Path(__file__).with_name("random_pages.lua")))}

_BATCH_SIZE = 50_000
_BEERS = """
    INSERT INTO beers.beers (name, style, brewery, abv)
    SELECT 'Beer number ' || i, 'Style ' || i % 40, 'Brewery ' || i % 500, i % 1500 / 100.0
    FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS i
"""


@dataclass(frozen=True)
class Run:
    """One candidate with one kind of request in one round.

    Attributes:
        is_limited: Whether it had half a core.
        per_second: Requests per second.
        p99: 99th percentile of the latency in milliseconds.
        service_cpu: CPU microseconds of its processes for each request.
        database_cpu: CPU microseconds of PostgreSQL for each request.
    """

    candidate: str
    kind: str
    is_limited: bool
    per_second: float
    p99: float
    service_cpu: float
    database_cpu: float


def measure(rounds: int, seconds: int, folder: Path, progress: Callable[[str], None]) -> Iterator[Run]:
    """Yield all runs. Comparable runs are adjacent, and each round starts with another candidate.

    Raises:
        BenchError: A candidate does not respond, or with errors.
    """
    with catalogue_of(BEERS, folder, progress) as catalogue, ExitStack() as stack:
        candidates = [stack.enter_context(running(one, catalogue, folder)) for one in CANDIDATES]
        postgres = _postmaster(catalogue)
        for one in candidates:
            wrk(one.url, 1, ())  # opens connections, prepares statements, warms up
        for number in range(rounds):
            progress(f"round {number + 1} of {rounds}")
            first = number % len(candidates)
            for kind in SCRIPTS:
                for is_limited in (False, True):
                    for one in (*candidates[first:], *candidates[:first]):
                        yield _run(one, kind, seconds, postgres, is_limited=is_limited)


def _run(one: Running, kind: str, seconds: int, postgres: psutil.Process, *, is_limited: bool) -> Run:
    service, database = one.cpu_seconds(), cpu_seconds(postgres)
    with one.at_half_speed() if is_limited else nullcontext():
        requests, per_second, p99 = wrk(one.url, seconds, SCRIPTS[kind])
    return Run(
        one.candidate.name,
        kind,
        is_limited,
        per_second,
        p99,
        1e6 * (one.cpu_seconds() - service) / requests,
        1e6 * (cpu_seconds(postgres) - database) / requests,
    )


def wrk(url: str, seconds: int, script: tuple[str, ...]) -> tuple[int, float, float]:
    """Send requests from CONNECTIONS connections, each of which waits for a response before its next request."""
    options = ("--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{seconds}s", "--latency")
    argv = ["wrk", *options, "--timeout", "30s", *script, url]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return parsed(done.stdout + done.stderr)


def parsed(output: str) -> tuple[int, float, float]:
    """Return from wrk's output the number of requests, their rate per second, and their p99 in milliseconds.

    Raises:
        BenchError: A response was an error, so the measurements are not comparable, or the output is unknown.
    """
    if "Non-2xx" in output or "Socket errors" in output:
        raise BenchError(f"Some requests failed; is the machine overloaded? wrk says:\n{output}")
    requests = re.search(r"(\d+) requests in", output)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    p99 = re.search(r"^\s+99%\s+([\d.]+)(us|ms|s|m)\s*$", output, flags=re.MULTILINE)
    if not (requests and rate and p99):
        raise BenchError(f"The output of wrk cannot be parsed:\n{output}")
    milliseconds = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}[p99[2]]
    return int(requests[1]), float(rate[1]), float(p99[1]) * milliseconds


@contextmanager
def catalogue_of(beers: int, folder: Path, progress: Callable[[str], None]) -> Iterator[CatalogueDatabase]:
    """Run a server with a catalogue of ``beers`` beers for the duration of the block."""
    settings = {"log_connections": "off", "shared_buffers": "512MB", "max_wal_size": "8GB"}
    with running_cluster(Binaries.find(), folder, settings) as cluster, migrated_catalogue(cluster) as catalogue:
        progress(f"adding {beers:,} beers")
        for first in range(1, beers, _BATCH_SIZE):
            catalogue.admin(_BEERS, first=first, last=min(beers, first + _BATCH_SIZE - 1))
        catalogue.admin("VACUUM ANALYZE beers.beers")
        catalogue.admin("CHECKPOINT")
        yield catalogue


def _postmaster(catalogue: CatalogueDatabase) -> psutil.Process:
    with catalogue.cluster.connect_as_superuser() as connection:
        ((backend,),) = connection.run("SELECT pg_backend_pid()")
        parent = psutil.Process(backend).parent()
    assert parent is not None
    return parent
