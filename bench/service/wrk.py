"""Run wrk and parse its output."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from bench.errors import BenchError

CONNECTIONS = 32

_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True)
class Load:
    """The result of one run.

    Attributes:
        requests: Number of requests.
        per_second: Requests per second.
        p50: Median latency in milliseconds.
        p99: 99th percentile of the latency in milliseconds.
    """

    requests: int
    per_second: float
    p50: float
    p99: float


def load(url: str, seconds: int, script: Sequence[str] = ()) -> Load:
    """Send requests from CONNECTIONS connections, each of which waits for a response before its next request.

    Args:
        url: The URL of GET requests.
        seconds: The duration.
        script: A Lua script that creates other requests, and its arguments.

    Raises:
        BenchError: A response was an error, so the measurements are not comparable.
    """
    argv = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{seconds}s", "--latency"]
    argv += ["--timeout", "30s"]
    if script:
        lua, *arguments = script
        argv += ["--script", lua, url, "--", *arguments]
    else:
        argv.append(url)
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return parsed(done.stdout + done.stderr)


def parsed(output: str) -> Load:
    """Parse wrk's output.

    Raises:
        BenchError: A response was an error, or the output is unknown.
    """
    if "Non-2xx" in output or "Socket errors" in output:
        raise BenchError(f"Some requests failed; is the machine overloaded? wrk says:\n{output}")
    requests = re.search(r"(\d+) requests in", output)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    latencies = dict(re.findall(r"^\s+(50|99)%\s+(\S+)\s*$", output, flags=re.MULTILINE))
    if not requests or not rate or latencies.keys() != {"50", "99"}:
        raise BenchError(f"The output of wrk cannot be parsed:\n{output}")
    return Load(int(requests[1]), float(rate[1]), _milliseconds(latencies["50"]), _milliseconds(latencies["99"]))


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()  # type: ignore[union-attr]
    return float(number) * _MILLISECONDS[unit]
