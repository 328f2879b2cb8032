"""Places that are given in the order in which they were asked for.

``threading.Semaphore`` and SQLAlchemy's pool wake whoever has waited longest, and meanwhile let any other thread have
the place. On one core that is the thread that just gave it back and goes on with its next request, so that some
requests wait for many turns of others.
"""

from collections import deque
from threading import Lock


class Turns:
    """A number of places, for threads."""

    def __init__(self, places: int) -> None:
        self._lock = Lock()
        self._free = places
        # A lock for each who waits; it is released when the place is theirs.
        self._waiting: deque[Lock] = deque()

    def take(self, seconds: float) -> bool:
        """Wait for a place, at most so long; whether there is one. Whoever has one gives it back."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            mine = Lock()
            mine.acquire()
            self._waiting.append(mine)
        if mine.acquire(timeout=seconds):
            return True
        with self._lock:
            if mine in self._waiting:
                self._waiting.remove(mine)
                return False
        return True  # it was given in the last moment

    def give_back(self) -> None:
        """Leave a place to whoever has waited longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1
