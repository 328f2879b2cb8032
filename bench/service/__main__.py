"""Compare the service with others: ``python -m bench.service``; ``make bench SUITE=service`` runs it (5 minutes)."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

from app.settings import Settings
from bench.command_line import circumstances, progress, report
from bench.document import Target, table, target_table
from bench.errors import BenchError
from bench.service.candidates import ON_ASYNCPG, OURS, PEERS_FOLDER, WORKERS
from bench.service.measure import BEERS, CONNECTIONS, Run, measure

# The service's CPU per request, in terms of that of FastAPI on bare asyncpg.
MAX_CPU = {"one page": 0.8, "random pages": 1.0}
_VERSIONS = "from importlib.metadata import version; print(', '.join(f'{name} {version(name)}' for name in NAMES))"
_PEERS = ("fastapi", "uvicorn", "uvloop", "sqlalchemy", "asyncpg")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = _parser().parse_args(arguments)
    return report("service", lambda: _measured(options.rounds, options.seconds), is_written=options.write)


def _measured(rounds: int, seconds: int) -> str:
    if not shutil.which("wrk") or not (PEERS_FOLDER / "bin" / "uvicorn").exists():
        raise BenchError("wrk or the other services are not installed; `make bench SUITE=service` sets them up.")
    with tempfile.TemporaryDirectory(prefix="taproom-bench-") as folder:
        load_before = os.getloadavg()[0]
        runs = list(measure(rounds, seconds, Path(folder), progress))
    return "\n".join(_report(runs, rounds, seconds, load_before))


def _report(runs: Sequence[Run], rounds: int, seconds: int, load_before: float) -> Iterator[str]:
    yield (
        f"{circumstances(load_before)}, {_our_versions()}; "
        f"{_peer_versions()}. {BEERS:,} beers, {WORKERS} workers each, {Settings.database_pool_size} connections "
        f"to the database for each worker; wrk with {CONNECTIONS} connections, {rounds} rounds of {seconds} s.\n"
    )
    yield "Targets, against bare asyncpg:\n"
    yield target_table(tuple(targets(runs)))
    yield "Medians; CPU is microseconds a request; the last two columns are with half a core:\n"
    yield comparison(runs)


def targets(runs: Sequence[Run]) -> Iterator[Target]:
    """Yield the targets: CPU without a limit, p99 with half a core."""
    for kind, limit in MAX_CPU.items():
        full, limited = (
            [_matching(runs, name, kind, is_limited=is_limited) for name in (OURS.name, ON_ASYNCPG.name)]
            for is_limited in (False, True)
        )
        ours, theirs = (median(run.service_cpu for run in matching) for matching in full)
        yield _target(f"CPU for {kind}", limit, ours / theirs)
        ours, theirs = (median(run.p99 for run in matching) for matching in limited)
        yield _target(f"p99 for {kind}", 1.0, ours / theirs)


def _target(name: str, limit: float, ratio: float) -> Target:
    return Target(name, f"at most {limit}x", f"{ratio:.2f}x", ratio <= limit)


def comparison(runs: Sequence[Run]) -> str:
    """Return a table with a row for each candidate and kind of request."""
    rows = []
    for kind, name in dict.fromkeys((run.kind, run.candidate) for run in runs):
        full, limited = (_matching(runs, name, kind, is_limited=is_limited) for is_limited in (False, True))
        figures = (
            median(run.service_cpu for run in full),
            median(run.database_cpu for run in full),
            median(run.per_second for run in full),
            median(run.per_second for run in limited),
            median(run.p99 for run in limited),
        )
        rows.append((kind, name, *(f"{figure:,.0f}" for figure in figures)))
    return table(("request", "service", "its CPU", "PostgreSQL's CPU", "requests/s", "requests/s", "p99, ms"), rows)


def _matching(runs: Sequence[Run], name: str, kind: str, *, is_limited: bool) -> list[Run]:
    return [run for run in runs if (run.candidate, run.kind, run.is_limited) == (name, kind, is_limited)]


def _our_versions() -> str:
    return ", ".join(f"{name} {version(name)}" for name in ("flask", "gunicorn", "sqlalchemy", "pg8000"))


def _peer_versions() -> str:
    program = _VERSIONS.replace("NAMES", repr(_PEERS))
    argv = [str(PEERS_FOLDER / "bin" / "python"), "-c", program]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.service", description="Compare the service to others.")
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds (5)")
    parser.add_argument("--seconds", type=int, default=4, help="duration of a run (4)")
    parser.add_argument("--write", action="store_true", help="write the results to docs/benchmarks.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
