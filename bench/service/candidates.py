"""The services that are compared: each runs as processes that listen on a port."""

import contextlib
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.settings import Settings
from bench.errors import BenchError
from devtools.checkout import CHECKOUT
from devtools.ports import free_port
from tests.support.catalogue_database import CatalogueDatabase
from tests.support.served import IMAGE_COMMAND, environment

PEERS_FOLDER = Path(sys.prefix) / "bench-service"
"""The virtual environment of the other services."""

WORKERS = 2
_START_SECONDS = 60
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
    """A running candidate."""

    candidate: Candidate
    process: psutil.Process
    port: int

    @property
    def url(self) -> str:
        """The URL of its beers."""
        return f"http://127.0.0.1:{self.port}/beers"

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
    port, log = free_port(), folder / f"{candidate.name}.log"
    plain_url = catalogue.url(catalogue.app).split("?")[0].replace("+pg8000", "")
    variables = environment(
        PYTHONPATH=str(CHECKOUT),
        HOST="127.0.0.1",
        PORT=str(port),
        WEB_CONCURRENCY=str(WORKERS),
        DATABASE_URL=catalogue.url(catalogue.app),
        PEER_URL=plain_url,
        PEER_CA_FILE=str(catalogue.cluster.authority.ca_file),
        PEER_POOL_SIZE=str(Settings.database_pool_size),
    )
    argv = [part.replace("PORT", str(port)) for part in candidate.argv]
    with log.open("wb") as output:
        process = subprocess.Popen(argv, env=variables, cwd=CHECKOUT, stdout=output, stderr=subprocess.STDOUT)
    try:
        one = Running(candidate, psutil.Process(process.pid), port)
        _wait_until_ready(one, log)
        yield one
    finally:
        process.terminate()
        process.wait(_START_SECONDS)


def _wait_until_ready(one: Running, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(one.url, timeout=5):  # noqa: S310 - a local URL
                return
        except OSError as error:
            if time.monotonic() > deadline or not one.process.is_running():
                tail = log.read_text(errors="replace")[-2000:]
                raise BenchError(
                    f"{one.candidate.name} does not respond ({error}). Its log ends with:\n{tail}"
                ) from error
            time.sleep(0.1)
