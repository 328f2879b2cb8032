"""Waiting with a deadline."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], what: str = "the condition", seconds: float = 60) -> None:
    """Wait until ``condition`` is true.

    Raises:
        AssertionError: it does not become true in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(0.02)
