"""Print the CPU time of the service's parts for each request for one page: ``python -m bench.service.profile``."""

import json
import tempfile
from collections import Counter
from pathlib import Path

from bench.document import table
from bench.service import MARK
from bench.service.candidates import Candidate, running
from bench.service.measure import SCRIPTS, catalogue_of, wrk
from tests.support.served import IMAGE_COMMAND

_SECONDS = 8


def main() -> None:
    """Run the service under load, and print the table."""
    argv = [part.replace("app.server.config", "bench.service.sections") for part in IMAGE_COMMAND]
    profiled = Candidate("profiled", tuple(argv))
    with tempfile.TemporaryDirectory(prefix="taproom-bench-") as name:
        folder = Path(name)
        with catalogue_of(1_000, folder, print) as catalogue, running(profiled, catalogue, folder) as one:
            requests, _, _ = wrk(one.url, _SECONDS, SCRIPTS["one page"])
        log = (folder / "profiled" / "service.log").read_text()
    seconds: Counter[str] = Counter()
    for line in log.splitlines():
        if line.startswith(MARK):
            seconds.update(json.loads(line.removeprefix(MARK)))
    total = seconds.pop("total")
    seconds["the rest: the event loop, threads, this measurement"] = total - sum(seconds.values())
    rows = [(part, f"{1e6 * spent / requests:,.0f}") for part, spent in seconds.most_common()]
    print(table(("part", "CPU, microseconds for each request"), [*rows, ("total", f"{1e6 * total / requests:,.0f}")]))


if __name__ == "__main__":
    main()
