"""Measure db_bootstrap and report: ``python -m bench.access``; ``make bench SUITE=access`` calls it."""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

from bench.access import measure, results
from bench.access.results import Result, Settled
from bench.access.server import MAJOR, bench_server
from bench.access.tools import PEERS_FOLDER
from bench.access.workload import GROUPS, LOGINS, Size, memberships
from bench.command_line import circumstances, progress, report
from bench.document import target_table
from bench.errors import BenchError
from db_bootstrap.inspect.snapshot import MAXIMUM_QUERIES
from devtools.postgres.binaries import servers_by_major


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = _parser().parse_args(arguments)
    return report("access", lambda: _measured(options.sizes, options.runs), is_written=options.write)


def _measured(sizes: Sequence[Size], runs: int) -> str:
    if not (PEERS_FOLDER / "bin" / "ldap2pg").exists():
        raise BenchError("The other tools are not installed; `make bench SUITE=access` installs them.")
    compared: list[Result] = []
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="taproom-bench-")))
        load_before = os.getloadavg()[0]
        servers = []
        for size in sizes:
            progress(f"{size}: creating {2 * size.total_tables:,} tables and sequences")
            servers.append(running.enter_context(bench_server(size, folder / str(size))))
            compared += measure.compare(servers[-1], runs, folder / str(size), progress)
            # Partial results, because a larger size can take long.
            progress(results.comparison([result for result in compared if result.size == size]))
        progress("all sizes in rotation, with nothing to do")
        settled = measure.settled(servers, folder)
    return "\n".join(_report(compared, settled, runs, load_before))


def _report(compared: Sequence[Result], settled: Sequence[Settled], runs: int, load_before: float) -> Iterator[str]:
    yield _circumstances(runs, load_before)
    yield "Targets; 2x is twice as fast as the fastest peer:\n"
    yield target_table(results.targets(compared, settled, MAXIMUM_QUERIES))
    yield "Whole processes: median (minimum-maximum); the factors compare minimums:\n"
    yield results.comparison(compared)
    yield "`db_bootstrap` with nothing to do, all sizes in rotation:\n"
    yield results.settled(settled)


def _circumstances(runs: int, load_before: float) -> str:
    server = next(server for server in servers_by_major() if server.major == MAJOR)
    done = subprocess.run([str(server.folder / "postgres"), "--version"], capture_output=True, text=True, check=True)
    two = sum(len(groups) for groups in memberships().values())
    return (
        f"{circumstances(load_before)}, {done.stdout.strip()}, pg8000 {version('pg8000')}. "
        f"{len(GROUPS)} groups, {len(LOGINS)} logins, {two} memberships; {runs} first runs of each tool, "
        f"{runs * measure.AGAIN_PER_RUN} with nothing to do.\n"
    )


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
