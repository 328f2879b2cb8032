"""What wrk prints, and what the rounds come to."""

import pytest

from bench.document import Target
from bench.errors import BenchError
from bench.service import results
from bench.service.candidates import HELLO, ON_ASYNCPG, ON_SQLALCHEMY, OURS
from bench.service.results import Kind, Run
from bench.service.wrk import Load, parsed

OUTPUT = """Running 2s test @ http://127.0.0.1:1/beers
  Latency Distribution
     50%  850.00us
     90%   90.36ms
     99%    1.97s 
  74 requests in 2.04s, 482.88KB read
Requests/sec:     36.24
"""  # noqa: W291 - as wrk prints it


def test_the_output_of_wrk_is_parsed() -> None:
    assert parsed(OUTPUT) == Load(74, 36.24, p50=0.85, p99=1970.0)


@pytest.mark.parametrize(
    "output", ["", f"{OUTPUT}  Non-2xx or 3xx responses: 3\n", f"{OUTPUT}  Socket errors: timeout 1\n"]
)
def test_an_error_response_fails_the_measurement(output: str) -> None:
    with pytest.raises(BenchError, match="wrk"):
        parsed(output)


def run(name: str, kind: Kind, number: int, per_second: float, p99: float = 10.0) -> Run:
    return Run(name, kind, number, Load(100, per_second, 1.0, p99), service_cpu=1.0, database_cpu=2.0)


def test_a_ratio_is_the_median_of_the_rounds_ratios_and_not_the_ratio_of_the_medians() -> None:
    # The machine is three times as fast in the second round.
    rates = {0: 1.0, 1: 3.0, 2: 1.1}
    runs = []
    for number, rate in rates.items():
        runs += [run(OURS.name, Kind.GET, number, 400 * rate), run(ON_SQLALCHEMY.name, Kind.GET, number, 100 * rate)]
        runs += [
            run(ON_ASYNCPG.name, Kind.GET, number, 500 * rate, p99=9.0),
            run(HELLO.name, Kind.GET, number, 700 * rate),
        ]
        runs += [run(OURS.name, Kind.POST, number, 200 * rate), run(ON_SQLALCHEMY.name, Kind.POST, number, 100 * rate)]
        runs += [run(OURS.name, Kind.FIRST, number, 110 * rate), run(OURS.name, Kind.DEEP, number, 100 * rate)]
    found = list(results.targets(runs))
    assert found[0] == Target(
        "GET /beers, against FastAPI, SQLAlchemy", "at least 3.5 times", "4.00 times", is_met=True
    )
    assert [(target.measured, target.is_met) for target in found[1:]] == [
        ("0.80 times", False),
        ("0.57 times", True),
        ("2.00 times", True),
        ("1.00 times", True),
        ("1.11 times", False),
        ("1.10 times", True),
    ]
    assert (
        results.comparison(runs).splitlines()[2] == "| GET /beers | Taproom | 440 (400 to 1,200) | 1.0 | 10 | 1 | 2 |"
    )
