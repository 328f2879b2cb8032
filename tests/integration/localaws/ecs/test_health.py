"""A container's health check, run next to it."""

import queue
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from devtools.processes import ProcessRegister
from localaws.ecs.containers import HealthCheck
from localaws.ecs.health import HealthWatch

Start = Callable[..., queue.Queue[str]]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts a watch whose check is a line of Python; a queue of what it tells."""
    for interval in ("FIRST", "SHORTEST", "HEALTHY"):
        monkeypatch.setattr(f"localaws.ecs.health.{interval}_INTERVAL_SECONDS", 0.05)
    with ExitStack() as stack:

        def started(program: str, retries: int, start_period_seconds: float) -> queue.Queue[str]:
            told: queue.Queue[str] = queue.Queue()
            watch = HealthWatch(
                HealthCheck((sys.executable, "-c", program), 0.05, 5, retries, start_period_seconds),
                environment={},
                directory=tmp_path,
                log=tmp_path / "log",
                processes=ProcessRegister(tmp_path / "processes.jsonl"),
                tell=told.put,
            )
            stack.callback(watch.stop)
            return told

        yield started


def test_a_healthy_container_can_become_unhealthy_and_healthy_again(start: Start, tmp_path: Path) -> None:
    told = start("import os, sys; sys.exit(os.path.exists('broken'))", 2, 0)
    assert told.get(timeout=60) == "HEALTHY"
    (tmp_path / "broken").touch()
    assert told.get(timeout=60) == "UNHEALTHY"
    (tmp_path / "broken").unlink()
    assert told.get(timeout=60) == "HEALTHY"


@pytest.mark.aws("ECS-15")
def test_failures_while_it_starts_do_not_count(start: Start, tmp_path: Path) -> None:
    told = start("import os, sys; sys.exit(not os.path.exists('ready'))", 1, 60)
    with pytest.raises(queue.Empty):
        told.get(timeout=0.5)
    (tmp_path / "ready").touch()
    assert told.get(timeout=60) == "HEALTHY"
