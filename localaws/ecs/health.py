"""A container's health check, run in the container's environment.

A check that takes its port from ``PORT`` reaches the right process. One that names the container's port cannot work
here, where each task has another port.

Different from AWS: until the first success it runs every second; after a success, a minute later or more, to save CPU:
each check is a process, and the load balancer checks the task, too.
"""

import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from devtools.processes import ProcessRegister
from localaws.ecs.containers import HealthCheck

FIRST_INTERVAL_SECONDS = 1.0
SHORTEST_INTERVAL_SECONDS = 2.0
HEALTHY_INTERVAL_SECONDS = 60.0


class HealthWatch:
    """Runs one container's check until it is stopped.

    Args:
        check: the check.
        environment: of the container.
        directory: the container's working directory.
        log: the file that takes the check's output.
        processes: through which it is started.
        tell: called with HEALTHY or UNHEALTHY whenever that changes.
    """

    def __init__(
        self,
        check: HealthCheck,
        *,
        environment: Mapping[str, str],
        directory: Path,
        log: Path,
        processes: ProcessRegister,
        tell: Callable[[str], None],
    ) -> None:
        self._check = check
        self._environment = environment
        self._directory = directory
        self._log = log
        self._processes = processes
        self._tell = tell
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="container health", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Check no more; a check that is under way is waited for."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        started = time.monotonic()
        state, failures = "UNKNOWN", 0
        interval = FIRST_INTERVAL_SECONDS
        while not self._stopping.wait(interval):
            before = state
            if self._passes():
                state, failures = "HEALTHY", 0
                interval = max(HEALTHY_INTERVAL_SECONDS, self._check.interval_seconds)
            elif state != "UNKNOWN" or time.monotonic() - started > self._check.start_period_seconds:
                failures += 1
                interval = max(SHORTEST_INTERVAL_SECONDS, self._check.interval_seconds)
            if failures >= self._check.retries:
                state = "UNHEALTHY"
            if state != before and not self._stopping.is_set():
                self._tell(state)

    def _passes(self) -> bool:
        try:
            child = self._processes.start(self._check.argv, env=self._environment, cwd=self._directory, log=self._log)
        except OSError as error:
            with self._log.open("a") as log:
                log.write(f"health check {self._check.argv[0]}: {error}\n")
            return False
        try:
            return child.wait(self._check.timeout_seconds) == 0
        except subprocess.TimeoutExpired:
            self._processes.stop(child, 0.5)
            return False
