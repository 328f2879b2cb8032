"""The workers of all functions, idle and busy."""

import threading
from collections.abc import Callable
from typing import Any

from localaws.lambda_.worker import Worker


class WorkerPool:
    """Hands out one worker an invocation, and keeps it warm for the next one. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._busy: list[Worker] = []
        self._stopped = False

    def take(self, name: str, identity: str, start: Callable[[], Worker]) -> Worker:
        """Return an idle worker of this identity, or a new one.

        Args:
            name: the function's name.
            identity: of the code and configuration that shall run.
            start: makes a worker of this identity.

        Raises:
            RuntimeError: the pool was stopped.
        """
        with self._lock:
            if self._stopped:
                raise RuntimeError(f"The function {name} cannot be run: the local AWS is stopping")
            unusable = [worker for worker in self._idle if not worker.usable]
            self._idle = [worker for worker in self._idle if worker.usable]
            fitting = next((worker for worker in self._idle if worker.specification.identity == identity), None)
            if fitting:
                self._idle.remove(fitting)
                self._busy.append(fitting)
        for worker in unusable:
            worker.close()
        return fitting or self._start(start)

    def release(self, worker: Worker) -> None:
        """Return a worker to the pool; end it if it cannot take another invocation."""
        with self._lock:
            self._busy.remove(worker)
            keep = worker.usable and not self._stopped
            if keep:
                self._idle.append(worker)
        if not keep:
            worker.close()

    def retire(self, name: str, version: str, identity: str | None) -> None:
        """End the idle workers of a function's version, but for those of ``identity``."""
        with self._lock:
            retired = [
                worker
                for worker in self._idle
                if (worker.specification.name, worker.specification.version) == (name, version)
                and worker.specification.identity != identity
            ]
            self._idle = [worker for worker in self._idle if worker not in retired]
        for worker in retired:
            worker.close()

    def end_function(self, name: str) -> None:
        """End every worker of a function, at work or not; an invocation under way fails."""
        with self._lock:
            idle = [worker for worker in self._idle if worker.specification.name == name]
            busy = [worker for worker in self._busy if worker.specification.name == name]
            self._idle = [worker for worker in self._idle if worker not in idle]
        for worker in idle:
            worker.close()
        for worker in busy:
            worker.stop()

    def stop(self) -> None:
        """End every worker, and start none any more. Safe to call twice."""
        with self._lock:
            self._stopped = True
            names = {worker.specification.name for worker in [*self._idle, *self._busy]}
        for name in names:
            self.end_function(name)

    def status(self) -> dict[str, Any]:
        """Return the workers by function: version, process, and whether it is busy."""
        with self._lock:
            workers = [(worker, False) for worker in self._idle] + [(worker, True) for worker in self._busy]
        functions: dict[str, list[dict[str, Any]]] = {}
        for worker, busy in workers:
            entry = {"version": worker.specification.version, "pid": worker.pid, "busy": busy}
            functions.setdefault(worker.specification.name, []).append(entry)
        return functions

    def _start(self, start: Callable[[], Worker]) -> Worker:
        worker = start()
        with self._lock:
            self._busy.append(worker)
            stopped = self._stopped
        if stopped:
            worker.stop()
        return worker
