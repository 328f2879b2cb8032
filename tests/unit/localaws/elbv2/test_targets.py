"""The choice of a target, and a target that leaves without losing a request."""

import pytest

from localaws.elbv2.health import Check, Policy, State
from localaws.elbv2.targets import Target, TargetRegistry

A, B = Target("group", "10.0.0.4", 8000), Target("group", "10.0.0.5", 8000)
ELSEWHERE = Target("other", "10.0.0.6", 8000)
PASSED = Check()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(clock: Clock) -> TargetRegistry:
    """Two healthy targets, and one of another group."""
    registry = TargetRegistry(clock)
    for target in (A, B, ELSEWHERE):
        registry.register(target)
        registry.record(target, PASSED, Policy())
    return registry


def test_requests_go_to_the_targets_of_their_group_in_turn(registry: TargetRegistry) -> None:
    chosen = [registry.acquire("group") for _ in range(4)]
    assert sorted(str(target) for target in chosen) == sorted(map(str, [A, A, B, B]))


@pytest.mark.aws("ELB-12")
def test_a_busy_target_drains_until_its_requests_are_answered(registry: TargetRegistry) -> None:
    for _ in range(4):
        registry.acquire("group")
    registry.deregister(A, delay_seconds=300)
    assert state(registry, A) is State.DRAINING
    assert registry.draining("group") == [A]
    registry.release(A)
    assert state(registry, A) is State.DRAINING
    registry.release(A)
    assert registry.health(A) is None
    assert registry.draining("group") == []


@pytest.mark.aws("ELB-12")
def test_draining_ends_with_the_deregistration_delay(registry: TargetRegistry, clock: Clock) -> None:
    for _ in range(2):
        registry.acquire("group")
    registry.deregister(A, delay_seconds=300)
    clock.now = 301
    assert registry.health(A) is None
    assert registry.draining("group") == []


def state(registry: TargetRegistry, target: Target) -> State | None:
    health = registry.health(target)
    return health.state if health else None
