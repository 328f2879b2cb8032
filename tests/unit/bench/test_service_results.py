"""The output of wrk, and the targets."""

import pytest

from bench.errors import BenchError
from bench.service.__main__ import targets
from bench.service.candidates import ON_ASYNCPG, OURS
from bench.service.measure import SCRIPTS, Run, parsed

OUTPUT = """Running 2s test @ http://127.0.0.1:1/beers
  Latency Distribution
     50%  850.00us
     99%    1.97s 
  74 requests in 2.04s, 482.88KB read
Requests/sec:     36.24
"""  # noqa: W291 - as wrk prints it


def test_the_output_of_wrk_is_parsed() -> None:
    assert parsed(OUTPUT) == (74, 36.24, 1970.0)


@pytest.mark.parametrize(
    "output", ["", f"{OUTPUT}  Non-2xx or 3xx responses: 3\n", f"{OUTPUT}  Socket errors: timeout 1\n"]
)
def test_an_error_response_fails_the_measurement(output: str) -> None:
    with pytest.raises(BenchError, match="wrk"):
        parsed(output)


def test_targets_compare_medians_of_cpu_without_and_of_latency_with_a_limit() -> None:
    figures = {OURS.name: (300.0, 50.0), ON_ASYNCPG.name: (400.0, 40.0)}
    runs = [
        Run(name, kind, is_limited, 1000.0, p99 * noise if is_limited else 1.0, cpu if not is_limited else 1.0, 1.0)
        for name, (cpu, p99) in figures.items()
        for kind in SCRIPTS
        for is_limited in (False, True)
        for noise in (1, 1, 9)
    ]
    found = [(target.measured, target.is_met) for target in targets(runs)]
    assert found == [("0.75x", True), ("1.25x", False)] * 2
