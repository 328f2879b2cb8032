"""Measure every design of a rotation, and print the results: ``python -m bench.rotation`` (90 seconds)."""

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench.rotation.measure import DESIGNS, measure, table
from db_bootstrap.lambdas.apply import logger
from devtools.postgres.binaries import Binaries
from tests.support.database import running_cluster
from tests.support.rotation import RotatingDatabase, secrets_manager


def main() -> int:
    """Print the table; return 1 if Taproom lost a request."""
    argparse.ArgumentParser(prog="python -m bench.rotation", description=__doc__).parse_args()
    logger.setLevel("WARNING")
    results = []
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        manager = stack.enter_context(secrets_manager(work / "aws"))
        with running_cluster(Binaries.find(), work / "postgresql") as cluster:
            database = RotatingDatabase(cluster, manager)
            for number, design in enumerate(DESIGNS):
                directory = work / str(number)
                directory.mkdir()
                results.append(measure(design, database, manager.endpoint, directory))
                print(f"{design.name}: {results[-1].failed} of {len(results[-1].sent)} failed", file=sys.stderr)
    print(table(results), end="")
    return int(results[-1].failed > 0)


if __name__ == "__main__":
    sys.exit(main())
