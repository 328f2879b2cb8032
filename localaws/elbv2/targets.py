"""The targets of all target groups: registered, healthy, busy, draining.

Shared by the load balancer's event loop and the API's threads. Choosing a target and counting its request are one
atomic step, and so is deregistering: once ``deregister`` has returned, a target either counts as busy (and drains) or
gets no more requests.

Different from AWS: a request that outlasts the deregistration delay is not aborted.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from localaws.elbv2.health import Check, Health, Policy, State, after_check, next_target

_DRAINING = Health(
    State.DRAINING,
    reason="Target.DeregistrationInProgress",
    description="Target deregistration is in progress",
)


class Target(NamedTuple):
    """One target of one group."""

    group_arn: str
    id: str
    port: int


class TargetRegistry:
    """Safe to use from many threads.

    Args:
        clock: tells seconds; another one only for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._health: dict[Target, Health] = {}
        self._outstanding: Counter[Target] = Counter()
        self._draining_until: dict[Target, float] = {}
        self._turn: Counter[str] = Counter()

    def register(self, target: Target) -> None:
        """Add a target; one that is registered already keeps its state."""
        with self._lock:
            self._draining_until.pop(target, None)
            self._health.setdefault(target, Health())

    def deregister(self, target: Target, delay_seconds: float) -> None:
        """Give a target no more requests; it drains until those it has are answered, at most so long."""
        with self._lock:
            self._health.pop(target, None)
            if self._outstanding[target]:
                self._draining_until[target] = self._clock() + delay_seconds

    def forget_group(self, group_arn: str) -> None:
        """Remove every target of a group that has been deleted."""
        with self._lock:
            for target in [target for target in self._health if target.group_arn == group_arn]:
                del self._health[target]

    def acquire(self, group_arn: str) -> Target | None:
        """Return a target for a request, counted as busy until ``release``; None if the group has none."""
        with self._lock:
            registered = [target for target in self._health if target.group_arn == group_arn]
            self._turn[group_arn] += 1
            target = next_target(
                registered,
                {target: self._health[target].state for target in registered},
                self._outstanding,
                self._turn[group_arn],
            )
            if target is not None:
                self._outstanding[target] += 1
            return target

    def release(self, target: Target) -> None:
        """Count one request of a target as answered."""
        with self._lock:
            self._outstanding[target] -= 1
            if self._outstanding[target] <= 0:
                del self._outstanding[target]
                self._draining_until.pop(target, None)

    def record(self, target: Target, check: Check, policy: Policy) -> Health | None:
        """Note the result of a health check; the target's health now, None if it is not registered any more."""
        with self._lock:
            if target not in self._health:
                return None
            self._health[target] = after_check(self._health[target], check, policy, self._clock())
            return self._health[target]

    def health(self, target: Target) -> Health | None:
        """Return a target's health; None if it is neither registered nor draining."""
        with self._lock:
            if target in self._health:
                return self._health[target]
            until = self._draining_until.get(target)
            return _DRAINING if until is not None and self._clock() < until else None

    def registered(self) -> list[Target]:
        """Return every registered target."""
        with self._lock:
            return list(self._health)

    def draining(self, group_arn: str) -> list[Target]:
        """Return the targets of a group that still answer requests but get no new ones."""
        with self._lock:
            now = self._clock()
            return [
                target
                for target, until in self._draining_until.items()
                if target.group_arn == group_arn and now < until
            ]
