"""One run of wrk, and what it says."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from bench.errors import BenchError

CONNECTIONS = 32

_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True)
class Load:
    """What came back in one run.

    Attributes:
        requests: All that were answered.
        per_second: The same, for each second.
        p50: Milliseconds that half of them took no longer than.
        p99: Milliseconds that 99 of 100 took no longer than.
    """

    requests: int
    per_second: float
    p50: float
    p99: float


def load(url: str, seconds: int, script: Sequence[str] = ()) -> Load:
    """Ask from CONNECTIONS connections, each of which waits for its answer before it asks again.

    Args:
        url: What is asked for.
        seconds: For how long.
        script: A file that says what to ask instead, in Lua, and its arguments.

    Raises:
        BenchError: An answer was no success, so nothing that was measured can be compared.
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


def parsed(said: str) -> Load:
    """What wrk printed.

    Raises:
        BenchError: An answer was no success, or it printed something else.
    """
    if "Non-2xx" in said or "Socket errors" in said:
        raise BenchError(f"Not every request was answered with a success; is the machine too busy? wrk says:\n{said}")
    requests = re.search(r"(\d+) requests in", said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    latencies = dict(re.findall(r"^\s+(50|99)%\s+(\S+)\s*$", said, flags=re.MULTILINE))
    if not requests or not rate or latencies.keys() != {"50", "99"}:
        raise BenchError(f"wrk says something else than expected:\n{said}")
    return Load(int(requests[1]), float(rate[1]), _milliseconds(latencies["50"]), _milliseconds(latencies["99"]))


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()  # type: ignore[union-attr]
    return float(number) * _MILLISECONDS[unit]
