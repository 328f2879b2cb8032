"""A fair semaphore: threads acquire it in the order in which they asked.

``threading.Semaphore`` and SQLAlchemy's pool wake the thread that has waited longest, but let any other thread overtake
it. On one core that is the thread that just released and starts its next request, so some requests wait much longer.
"""

from collections import deque
from contextlib import suppress
from threading import Lock


class FairSemaphore:
    """A semaphore for threads, first come, first served."""

    def __init__(self, value: int) -> None:
        self._lock = Lock()
        self._free = value
        # One lock for each waiting thread; releasing it hands the thread its permit.
        self._waiting: deque[Lock] = deque()

    def acquire(self, timeout_seconds: float) -> bool:
        """Wait for a permit for at most ``timeout_seconds``; return whether there is one."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            handover = Lock()
            handover.acquire()
            self._waiting.append(handover)
        if handover.acquire(timeout=timeout_seconds):
            return True
        with self._lock, suppress(ValueError):
            self._waiting.remove(handover)
            return False
        return True  # handed over just after the timeout

    def release(self) -> None:
        """Hand the permit to the thread that has waited longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1
