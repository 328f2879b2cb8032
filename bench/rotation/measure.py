"""Measure one design under load while its credential rotates."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.rotation import procedures
from bench.rotation.procedures import Moment
from rehearsal.load import Load, Sent
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
    rotate: Callable[[RotatingDatabase], Iterator[Moment]]


DESIGNS = (
    Design("one user, value frozen at start (ECS `secrets`)", "frozen_at_start", procedures.one_user),
    Design("one user, read for each connection", "read_for_each_connection", procedures.one_user),
    Design("two users, value frozen at start (ECS `secrets`)", "frozen_at_start", procedures.two_users),
    Design("two users, cached for an hour", "cached_for_an_hour", procedures.two_users),
    Design("Taproom", "taproom", procedures.taproom),
)


@dataclass(frozen=True)
class Measured:
    """The measurements of a design; times are seconds since the start of the load.

    Attributes:
        sent: The end and duration of each request and whether it failed, from the first rotation on.
        moments: The events of the rotations.
        rotation_seconds: The duration of each rotation, without the pauses between its steps.
    """

    design: Design
    seconds: float
    sent: tuple[tuple[float, float, bool], ...]
    moments: tuple[tuple[float, Moment], ...]
    rotation_seconds: tuple[float, ...]

    @property
    def failed(self) -> int:
        """The number of failed requests."""
        return sum(failed for _, _, failed in self.sent)

    @property
    def p99_seconds(self) -> float:
        """The 99th percentile of the latency."""
        durations = sorted(duration for _, duration, _ in self.sent)
        return durations[min(len(durations) - 1, len(durations) * 99 // 100)]


def measure(design: Design, database: RotatingDatabase, endpoint_url: str, directory: Path) -> Measured:
    """Serve with a design, send requests, and rotate."""
    database.empty()
    database.start_over()
    # Connections live for one second: 15 seconds replace them as often as hours otherwise.
    given = {**database.environment(endpoint_url), "DATABASE_POOL_RECYCLE_SECONDS": "1"}
    moments: list[tuple[float, Moment]] = []
    rotation_seconds = []
    with (
        serving(directory, application=f"bench.rotation.consumers:{design.consumer}()", **given) as served,
        Load([served.address], CONNECTIONS) as load,
    ):
        began_at = time.monotonic()
        time.sleep(QUIET_SECONDS)
        for _ in range(ROTATIONS):
            started_at, pauses = time.monotonic(), 0
            for moment in design.rotate(database):
                moments.append((time.monotonic() - began_at, moment))
                if moment is Moment.SET:
                    time.sleep(STEP_SECONDS)
                    pauses += 1
            rotation_seconds.append(time.monotonic() - started_at - pauses * STEP_SECONDS)
            time.sleep(QUIET_SECONDS)
        ended_at = time.monotonic()
    sent = tuple(_relative(one, began_at) for one in load.sent if one.ended_at >= began_at + QUIET_SECONDS)
    return Measured(design, ended_at - began_at, sent, tuple(moments), tuple(rotation_seconds))


def _relative(sent: Sent, began_at: float) -> tuple[float, float, bool]:
    return sent.ended_at - began_at, sent.seconds, sent.failed
