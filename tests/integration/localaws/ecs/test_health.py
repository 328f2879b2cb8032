"""A container's health check, run next to it."""

import queue
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.processes import ProcessRegister
from localaws.ecs.containers import HealthCheck
from localaws.ecs.health import HealthWatch


class Watched:
    """Starts a watch whose check is a line of Python, and collects what it tells."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for interval in ("FIRST", "SHORTEST", "HEALTHY"):
            monkeypatch.setattr(f"localaws.ecs.health.{interval}_INTERVAL_SECONDS", 0.05)
        self.directory = directory
        self.told: queue.Queue[str] = queue.Queue()
        self.watch: HealthWatch | None = None

    def start(self, program: str, *, retries: int = 2, start_period_seconds: float = 0) -> None:
        self.watch = HealthWatch(
            HealthCheck((sys.executable, "-c", program), 0.05, 5, retries, start_period_seconds),
            environment={"PORT": "8123"},
            directory=self.directory,
            log=self.directory / "log",
            processes=ProcessRegister(self.directory / "processes.jsonl"),
            tell=self.told.put,
        )

    def stop(self) -> None:
        if self.watch is not None:
            self.watch.stop()


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    watched = Watched(tmp_path, monkeypatch)
    yield watched
    watched.stop()


def test_a_healthy_container_can_become_unhealthy_and_healthy_again(watched: Watched) -> None:
    watched.start("import os, sys; sys.exit(os.path.exists('broken'))")
    assert watched.told.get(timeout=60) == "HEALTHY"
    (watched.directory / "broken").touch()
    assert watched.told.get(timeout=60) == "UNHEALTHY"
    (watched.directory / "broken").unlink()
    assert watched.told.get(timeout=60) == "HEALTHY"


@pytest.mark.aws("ECS-15")
def test_failures_while_it_starts_do_not_count(watched: Watched) -> None:
    watched.start("import os, sys; sys.exit(not os.path.exists('ready'))", retries=1, start_period_seconds=60)
    with pytest.raises(queue.Empty):
        watched.told.get(timeout=0.5)
    (watched.directory / "ready").touch()
    assert watched.told.get(timeout=60) == "HEALTHY"
