"""The services that are compared: each runs as processes that listen on a port."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.settings import Settings
from bench.errors import BenchError
from devtools.checkout import CHECKOUT
from tests.support.catalogue_database import CatalogueDatabase
from tests.support.served import IMAGE_COMMAND, serving

PEERS_FOLDER = Path(sys.prefix) / "bench-service"
"""The virtual environment of the other services."""

WORKERS = 2
# The period of Linux's scheduler for limits of containers.
PERIOD_SECONDS = 0.1


@dataclass(frozen=True)
class Candidate:
    """One way to serve the catalogue.

    Attributes:
        argv: The command; the argument ``PORT`` is replaced by the port.
    """

    name: str
    argv: tuple[str, ...]


def _fastapi(name: str, module: str) -> Candidate:
    program = str(PEERS_FOLDER / "bin" / "uvicorn")
    options = ("--host", "127.0.0.1", "--port", "PORT", "--workers", str(WORKERS), "--no-access-log")
    return Candidate(name, (program, f"bench.service.peers.{module}:app", *options, "--log-level", "warning"))


_THREADS = ("--worker-class", "gthread", "--threads", str(Settings.database_pool_size + 3), "--keep-alive", "75")
_GUNICORN = ("gunicorn", "--bind", "127.0.0.1:PORT", "--workers", str(WORKERS), *_THREADS)
OURS = Candidate("Taproom", tuple(IMAGE_COMMAND))
ON_ASYNCPG = _fastapi("FastAPI, bare asyncpg", "on_asyncpg")
CANDIDATES = (
    OURS,
    ON_ASYNCPG,
    _fastapi("FastAPI, SQLAlchemy", "on_sqlalchemy"),
    Candidate("Flask, SQLAlchemy, pg8000", (*_GUNICORN, "bench.service.peers.on_flask:app")),
)


@dataclass(frozen=True)
class Running:
    """A running candidate.

    Attributes:
        process: Its first process.
        url: The URL of its beers.
    """

    candidate: Candidate
    process: psutil.Process
    url: str

    def cpu_seconds(self) -> float:
        """Return the CPU seconds of all of its processes."""
        return cpu_seconds(self.process)

    @contextmanager
    def at_half_speed(self) -> Iterator[None]:
        """Let its processes run on one core, for half of each PERIOD_SECONDS, like a task with half a core."""
        processes = [self.process, *self.process.children(recursive=True)]
        for process in processes:
            process.cpu_affinity([0])
        done = threading.Event()

        def limit() -> None:
            while not done.wait(PERIOD_SECONDS / 2):
                for process in processes:
                    process.suspend()
                time.sleep(PERIOD_SECONDS / 2)
                for process in processes:
                    process.resume()

        with ThreadPoolExecutor(1) as thread:
            limiting = thread.submit(limit)
            try:
                yield
            finally:
                done.set()
                limiting.result()


def cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU seconds of a process and its children, including those that have ended."""
    seconds = 0.0
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            seconds += sum(one.cpu_times()[:4])  # user, system, children's user, children's system
    return seconds


@contextmanager
def running(candidate: Candidate, catalogue: CatalogueDatabase, folder: Path) -> Iterator[Running]:
    """Run the candidate for the duration of the block, with the same number of workers and connections as all others.

    Args:
        candidate: The service.
        catalogue: Its database.
        folder: The folder for its log.

    Raises:
        BenchError: It does not respond.
    """
    folder = folder / candidate.name
    folder.mkdir()
    plain_url = catalogue.url(catalogue.app).split("?")[0].replace("+pg8000", "")
    variables = {
        "PYTHONPATH": str(CHECKOUT),
        "WEB_CONCURRENCY": str(WORKERS),
        "DATABASE_URL": catalogue.url(catalogue.app),
        "PEER_URL": plain_url,
        "PEER_CA_FILE": str(catalogue.cluster.authority.ca_file),
        "PEER_POOL_SIZE": str(Settings.database_pool_size),
    }
    with contextlib.ExitStack() as stack:
        try:
            served = stack.enter_context(serving(folder, candidate.argv, **variables))
        except AssertionError as error:
            raise BenchError(f"{candidate.name} does not respond. It says:\n{error}") from error
        yield Running(candidate, psutil.Process(served.process.pid), f"http://{served.address}/beers")
        served.stop()
