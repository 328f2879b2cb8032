"""Which core a worker stays on."""

import pytest

from app.server.capacity import Capacity
from app.server.cores import cores_of_their_own, freest


@pytest.mark.parametrize(
    ("workers", "processors", "visible", "cores"),
    [
        pytest.param(2, 2, {0, 1}, (0, 1), id="a core for each"),
        pytest.param(4, 4, {2, 3, 5, 7}, (2, 3, 5, 7), id="whichever numbers they have"),
        pytest.param(2, 0.25, {0, 1}, (), id="a share of the cores that are seen"),
        pytest.param(2, 1, {0}, (), id="more workers than cores"),
        pytest.param(2, 4, {0, 1, 2, 3}, (), id="fewer workers than cores"),
        pytest.param(2, 2, {0, 1, 2, 3}, (), id="more cores than are the task's"),
        pytest.param(2, 2, set(), (), id="a system that does not say"),
    ],
)
def test_workers_stay_on_cores_that_are_wholly_theirs(
    workers: int, processors: float, visible: set[int], cores: tuple[int, ...]
) -> None:
    assert cores_of_their_own(workers, Capacity(processors, 4096), frozenset(visible)) == cores


@pytest.mark.parametrize(("taken", "core"), [([], 0), ([0], 1), ([0, 1], 0), ([1, 1, 0], 0), ([0, 0, 1], 1)])
def test_the_next_worker_takes_the_core_that_fewest_are_on(taken: list[int], core: int) -> None:
    assert freest((0, 1), taken) == core
