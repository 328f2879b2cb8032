"""A flag that processes share."""

import mmap


class Latch:
    """A flag that stays set. Processes forked after its creation share it."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 1)

    @property
    def is_set(self) -> bool:
        """Whether any of the processes has set it."""
        return self._memory[0] == 1

    def set(self) -> None:
        """Set it in all of the processes."""
        self._memory[0] = 1
