"""Each worker on a core of its own, where a task has its cores to itself.

A worker's threads compute one at a time, under the interpreter's lock. Free to move, they hand that lock to one
another from core to core; kept together, they answer a quarter to a third more (docs/benchmarks.md, "What limits it").
Where the machine has other work, a worker that may not move would wait for its core. So this is for a task with as many
whole cores as workers: on Fargate, a task has a machine of its own.
"""

from collections import Counter
from collections.abc import Iterable

from app.server.capacity import Capacity


def cores_of_their_own(workers: int, capacity: Capacity, visible: frozenset[int]) -> tuple[int, ...]:
    """The cores for that many workers; none where they would have to share them.

    Args:
        workers: how many there are.
        capacity: what the task has.
        visible: the cores that the task sees.
    """
    if workers == capacity.processors == len(visible):
        return tuple(sorted(visible))
    return ()


def freest(cores: Iterable[int], taken: Iterable[int]) -> int:
    """The core that fewest workers have taken: for a new one, that of the worker whose place it takes."""
    count = Counter(taken)
    return min(cores, key=lambda core: count[core])
