"""Waiting with a deadline."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], what: str = "the condition", seconds: float = 240) -> None:
    """Wait until ``condition`` is true; the deadline is for a machine that is busy with other tests.

    Most of the time is left to what is waited for, however much the condition costs.

    Raises:
        AssertionError: it does not become true in time.
    """
    deadline = time.monotonic() + seconds
    asked = time.monotonic()
    while not condition():
        answered = time.monotonic()
        assert answered < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(max(0.02, 3 * (answered - asked)))
        asked = time.monotonic()
