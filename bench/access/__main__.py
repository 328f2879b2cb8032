"""Measure db_bootstrap and report: ``python -m bench.access``; ``make bench SUITE=access`` calls it."""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.access import measure, results
from bench.access.results import Result, Settled
from bench.access.server import MAJOR, bench_server
from bench.access.tools import PEERS_FOLDER
from bench.access.workload import GROUPS, LOGINS, Size, memberships
from bench.document import replaced, target_table
from bench.errors import BenchError
from db_bootstrap.inspect.snapshot import MAXIMUM_QUERIES
from devtools.checkout import CHECKOUT
from devtools.errors import UserError
from devtools.postgres.binaries import servers_by_major

DOCUMENT = CHECKOUT / "docs" / "benchmarks.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        if not (PEERS_FOLDER / "bin" / "ldap2pg").exists():
            raise BenchError("The other tools are not installed; `make bench SUITE=access` installs them.")
        with tempfile.TemporaryDirectory(prefix="taproom-bench-") as folder:
            text = _measured(options.sizes, options.runs, Path(folder))
        print(text)
        if options.write:
            DOCUMENT.write_text(replaced(DOCUMENT.read_text(), "access", text))
    except (BenchError, UserError, ValueError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def _measured(sizes: Sequence[Size], runs: int, folder: Path) -> str:
    compared: list[Result] = []
    with ExitStack() as running:
        servers = []
        for size in sizes:
            _progress(f"{size}: creating {2 * size.total_tables:,} tables and sequences")
            servers.append(running.enter_context(bench_server(size, folder / str(size))))
            compared += measure.compare(servers[-1], runs, folder / str(size), _progress)
            # Partial results, because a larger size can take long.
            _progress(results.comparison([result for result in compared if result.size == size]))
        _progress("all sizes in rotation, with nothing to do")
        settled = measure.settled(servers, folder)
    return "\n".join(_report(compared, settled, runs))


def _report(compared: Sequence[Result], settled: Sequence[Settled], runs: int) -> Iterator[str]:
    yield _circumstances(runs)
    yield "Targets:\n"
    yield target_table(results.targets(compared, settled, MAXIMUM_QUERIES))
    yield (
        "Whole processes, from start to end: the median, with the minimum and maximum in brackets; the factor "
        "compares the minimums:\n"
    )
    yield results.comparison(compared)
    yield "`db_bootstrap` with nothing to do, all sizes in rotation: the command, and a warm process:\n"
    yield results.settled(settled)


def _circumstances(runs: int) -> str:
    server = next(server for server in servers_by_major() if server.major == MAJOR)
    done = subprocess.run([str(server.folder / "postgres"), "--version"], capture_output=True, text=True, check=True)
    two = sum(len(groups) for groups in memberships().values())
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} on {platform.system()} {platform.machine()}, {os.cpu_count()} "
        f"processors, load {os.getloadavg()[0]:.1f}; Python {platform.python_version()}, "
        f"{done.stdout.strip()}, pg8000 {version('pg8000')}. "
        f"{len(GROUPS)} groups, {len(LOGINS)} logins, {two} memberships; {runs} first runs of each tool, "
        f"{runs * measure.AGAIN_PER_RUN} with nothing to do.\n"
    )


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.access", description="Compare db_bootstrap to others.")
    parser.add_argument(
        "--sizes", type=measure.sizes, default="20x50,40x100,80x100", help="comma-separated SCHEMASxTABLES"
    )
    parser.add_argument("--runs", type=int, default=3, help="first runs of each tool at each size (3)")
    parser.add_argument("--write", action="store_true", help="write the results to docs/benchmarks.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
