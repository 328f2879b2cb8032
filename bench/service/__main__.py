"""Compare the service with others: ``python -m bench.service``; ``make bench SUITE=service`` runs it (5 minutes)."""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from app.settings import Settings
from bench.document import replaced, target_table
from bench.errors import BenchError
from bench.service import results
from bench.service.candidates import PEERS_FOLDER, WORKERS
from bench.service.measure import BEERS, measure
from bench.service.results import Run
from bench.service.wrk import CONNECTIONS
from devtools.checkout import CHECKOUT
from devtools.errors import UserError

DOCUMENT = CHECKOUT / "docs" / "benchmarks.md"
_VERSIONS = "from importlib.metadata import version; print(', '.join(f'{name} {version(name)}' for name in NAMES))"
_PEERS = ("fastapi", "uvicorn", "uvloop", "sqlalchemy", "asyncpg")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        if not shutil.which("wrk") or not (PEERS_FOLDER / "bin" / "uvicorn").exists():
            raise BenchError("wrk or the other services are not installed; `make bench SUITE=service` sets them up.")
        with tempfile.TemporaryDirectory(prefix="taproom-bench-") as folder:
            load_before = os.getloadavg()[0]
            runs, mebibytes = measure(options.rounds, options.seconds, Path(folder), _progress)
        text = "\n".join(_report(runs, mebibytes, options.rounds, options.seconds, load_before))
        print(text)
        if options.write:
            DOCUMENT.write_text(replaced(DOCUMENT.read_text(), "service", text))
    except (BenchError, UserError, ValueError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def _report(
    runs: Sequence[Run], mebibytes: Mapping[str, float], rounds: int, seconds: int, load_before: float
) -> Iterator[str]:
    yield (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} on {platform.system()} {platform.machine()}, {os.cpu_count()} "
        f"processors, load {load_before:.1f} before it began; Python {platform.python_version()}, {_our_versions()}; "
        f"{_peer_versions()}. {BEERS:,} beers, {WORKERS} workers each, {Settings.pool_size} connections to the "
        f"database for each worker; wrk with {CONNECTIONS} connections, {rounds} rounds of {seconds} s.\n"
    )
    yield "Targets; a ratio is the median of the rounds' ratios:\n"
    yield target_table(tuple(results.targets(runs)))
    yield "Medians of the rounds, with the minimum and maximum in brackets. CPU is for each request:\n"
    yield results.comparison(runs)
    yield "Memory of a worker after that, as PSS, which counts shared pages proportionally:\n"
    yield results.memory(mebibytes)


def _our_versions() -> str:
    return ", ".join(f"{name} {version(name)}" for name in ("flask", "gunicorn", "sqlalchemy", "pg8000"))


def _peer_versions() -> str:
    program = _VERSIONS.replace("NAMES", repr(_PEERS))
    argv = [str(PEERS_FOLDER / "bin" / "python"), "-c", program]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.service", description="Compare the service to others.")
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds (5)")
    parser.add_argument("--seconds", type=int, default=4, help="duration of a run (4)")
    parser.add_argument("--write", action="store_true", help="write the results to docs/benchmarks.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
