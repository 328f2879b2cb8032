"""Target health, and which target gets the next request.

Pure. The rules are ELB's ("Health checks for Application Load Balancer target groups"): a new target is healthy after
one passed check, an unhealthy one after ``healthy_threshold`` in a row, and a healthy one becomes unhealthy after
``unhealthy_threshold`` failures in a row. If no target is healthy, requests go to all targets ("fail open").

Different from AWS: the interval between checks is ``TIME_FACTOR`` of the configured one, so that a rollout takes
seconds; a new target is checked every ``FIRST_TRY_SECONDS``, but its failures do not count faster.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

# Configured seconds become a tenth here. Time-outs are not scaled: a process needs the time that it needs.
TIME_FACTOR = 0.1
SHORTEST_INTERVAL_SECONDS = 0.5
FIRST_TRY_SECONDS = 0.2

Target = TypeVar("Target")


class State(StrEnum):
    """States of DescribeTargetHealth."""

    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    DRAINING = "draining"
    UNUSED = "unused"


@dataclass(frozen=True)
class Policy:
    """A target group's settings, as configured.

    Attributes:
        interval_seconds: between two checks, before scaling.
        timeout_seconds: limit of one check; not scaled.
        healthy_threshold: passed checks in a row that make an unhealthy target healthy.
        unhealthy_threshold: failed checks in a row that make a target unhealthy.
        codes: accepted HTTP status codes, as ``200`` or ``200,202``; ranges are not emulated.
    """

    interval_seconds: float = 30
    timeout_seconds: float = 5
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2
    codes: str = "200"

    @property
    def scaled_interval_seconds(self) -> float:
        """Return the scaled time between two checks."""
        return max(SHORTEST_INTERVAL_SECONDS, self.interval_seconds * TIME_FACTOR)

    def accepts(self, status: int) -> bool:
        """Return True if a status code passes a check."""
        return str(status) in self.codes.split(",")


@dataclass(frozen=True)
class Health:
    """The known health of one target.

    Attributes:
        state: its state.
        streak: checks in a row that ended as the last one did; negative for failures.
        counted_at: when the last check was counted, in seconds.
        reason: why it is not healthy, as DescribeTargetHealth gives it.
        description: the same for people.
    """

    state: State = State.INITIAL
    streak: int = 0
    counted_at: float = float("-inf")
    reason: str | None = "Elb.RegistrationInProgress"
    description: str | None = "Target registration is in progress"


@dataclass(frozen=True)
class Check:
    """The result of one check: its failure's reason and description, or neither."""

    reason: str | None = None
    description: str | None = None

    @property
    def passed(self) -> bool:
        """Return True if the target passed the check."""
        return self.reason is None


def after_check(health: Health, check: Check, policy: Policy, now: float) -> Health:
    """Return a target's health after one more check, at ``now`` seconds."""
    if check.passed:
        streak = max(0, health.streak) + 1
        risen = health.state is not State.UNHEALTHY or streak >= policy.healthy_threshold
        if risen:
            return Health(State.HEALTHY, streak, now, None, None)
        return Health(health.state, streak, now, health.reason, health.description)
    too_soon = health.state is State.INITIAL and now - health.counted_at < policy.scaled_interval_seconds
    if too_soon:
        return health
    streak = min(0, health.streak) - 1
    if -streak >= policy.unhealthy_threshold:
        return Health(State.UNHEALTHY, streak, now, check.reason, check.description)
    return Health(health.state, streak, now, health.reason, health.description)


def seconds_until_next_check(health: Health, policy: Policy) -> float:
    """Return the pause after a check."""
    return FIRST_TRY_SECONDS if health.state is State.INITIAL else policy.scaled_interval_seconds


def next_target(
    targets: Sequence[Target],
    state: Mapping[Target, State],
    outstanding: Mapping[Target, int],
    turn: int,
) -> Target | None:
    """Return the target of one request, the least busy one; None without targets.

    Args:
        targets: the group's registered targets.
        state: what is known about them.
        outstanding: how many requests each is busy with.
        turn: a number that grows with every request; equally busy targets take turns.
    """
    candidates = [target for target in targets if state.get(target) is State.HEALTHY] or list(targets)
    start = turn % max(1, len(candidates))
    rotated = [*candidates[start:], *candidates[:start]]
    return min(rotated, key=lambda target: outstanding.get(target, 0), default=None)
