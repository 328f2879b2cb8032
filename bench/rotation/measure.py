"""Measure one design under load while its credential rotates."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from bench import document
from bench.rotation import procedures
from db_bootstrap.credentials.rotation import Step
from rehearsal.load import Load
from tests.support.rotation import RotatingDatabase
from tests.support.served import serving

CONNECTIONS = 8
ROTATIONS = 3
# The time between two invocations of the rotation function, in the best case.
STEP_SECONDS = 1.0
QUIET_SECONDS = 2.0


@dataclass(frozen=True)
class Design:
    """A way to get a credential, and a way to rotate it.

    Attributes:
        consumer: The function of ``bench.rotation.consumers`` that creates the service.
    """

    name: str
    consumer: str
    rotate: Callable[[RotatingDatabase], Iterator[Step]]


DESIGNS = (
    Design("one user, value frozen at start (ECS `secrets`)", "frozen_at_start", procedures.one_user),
    Design("one user, read for each connection", "read_for_each_connection", procedures.one_user),
    Design("two users, value frozen at start (ECS `secrets`)", "frozen_at_start", procedures.two_users),
    Design("two users, cached for an hour", "cached_for_an_hour", procedures.two_users),
    Design("Taproom", "taproom", procedures.taproom),
)


@dataclass(frozen=True)
class Measured:
    """The measurements of a design.

    Attributes:
        sent: Seconds of each request and whether it failed, from the first rotation on.
        rotation_seconds: The duration of each rotation, without the pauses between its steps.
    """

    design: Design
    sent: tuple[tuple[float, bool], ...]
    rotation_seconds: tuple[float, ...]

    @property
    def failed(self) -> int:
        """The number of failed requests."""
        return sum(failed for _, failed in self.sent)

    @property
    def p99_seconds(self) -> float:
        """The 99th percentile of the latency."""
        durations = sorted(duration for duration, _ in self.sent)
        return durations[min(len(durations) - 1, len(durations) * 99 // 100)]


def measure(design: Design, database: RotatingDatabase, endpoint_url: str, directory: Path) -> Measured:
    """Serve with a design, send requests, and rotate."""
    database.empty()
    database.start_over()
    # Connections live for one second: 15 seconds replace them as often as hours otherwise.
    given = {**database.environment(endpoint_url), "DATABASE_POOL_RECYCLE_SECONDS": "1"}
    rotation_seconds = []
    with (
        serving(directory, application=f"bench.rotation.consumers:{design.consumer}()", **given) as served,
        Load([served.address], CONNECTIONS) as load,
    ):
        began_at = time.monotonic()
        time.sleep(QUIET_SECONDS)
        for _ in range(ROTATIONS):
            started_at, pauses = time.monotonic(), 0
            for step in design.rotate(database):
                if step is Step.SET:
                    time.sleep(STEP_SECONDS)
                    pauses += 1
            rotation_seconds.append(time.monotonic() - started_at - pauses * STEP_SECONDS)
            time.sleep(QUIET_SECONDS)
    sent = tuple((one.seconds, one.failed) for one in load.sent if one.ended_at >= began_at + QUIET_SECONDS)
    return Measured(design, sent, tuple(rotation_seconds))


def table(results: Sequence[Measured]) -> str:
    """Return a table with a row for each design."""
    return document.table(
        ("design", "failed", "requests", "p99 latency", "a rotation takes"),
        [
            (
                result.design.name,
                str(result.failed),
                str(len(result.sent)),
                f"{result.p99_seconds * 1000:.0f} ms",
                f"{mean(result.rotation_seconds):.2f} s",
            )
            for result in results
        ],
    )
