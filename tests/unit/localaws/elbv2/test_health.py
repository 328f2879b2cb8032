"""The health of targets, and the choice of the next one."""

import pytest

from localaws.elbv2.health import (
    Check,
    Health,
    Policy,
    State,
    after_check,
    next_target,
)

PASSED = Check()
FAILED = Check("Target.Timeout", "Request timed out")
POLICY = Policy(interval_seconds=20, healthy_threshold=3, unhealthy_threshold=2)


def after(*checks: Check, every_seconds: float = POLICY.scaled_interval_seconds) -> list[State]:
    health, states = Health(), []
    for number, check in enumerate(checks):
        health = after_check(health, check, POLICY, now=number * every_seconds)
        states.append(health.state)
    return states


N, H, U = State.INITIAL, State.HEALTHY, State.UNHEALTHY


@pytest.mark.aws("ELB-10")
@pytest.mark.parametrize(
    ("checks", "states"),
    [
        pytest.param([PASSED], [H], id="a new target needs one passed check"),
        pytest.param([FAILED, FAILED], [N, U], id="and falls after the threshold"),
        pytest.param([FAILED, PASSED, FAILED, FAILED], [N, H, H, U], id="failures count in a row"),
        pytest.param([PASSED, FAILED, PASSED, FAILED], [H, H, H, H], id="a passed check restarts the count"),
        pytest.param(
            [FAILED, FAILED, PASSED, PASSED, PASSED], [N, U, U, U, H], id="an unhealthy one must pass several"
        ),
        pytest.param([FAILED, FAILED, PASSED, PASSED, FAILED, PASSED], [N, U, U, U, U, U], id="in a row, too"),
    ],
)
def test_the_state_follows_the_checks(checks: list[Check], states: list[State]) -> None:
    assert after(*checks) == states


def test_a_new_target_is_tried_often_but_does_not_fail_faster_for_it() -> None:
    assert after(*[FAILED] * 10, every_seconds=0.2) == [N] * 10
    assert after(*[FAILED] * 11, every_seconds=0.2)[-1] is U


@pytest.mark.parametrize(
    ("state", "outstanding", "chosen"),
    [
        pytest.param({"a": H, "b": U, "c": N, "d": H}, {}, ["a", "d", "a"], id="only healthy ones, equals in turn"),
        pytest.param(
            {"a": U, "b": N}, {}, ["a", "b", "a"], marks=pytest.mark.aws("ELB-11"), id="all if none is healthy"
        ),
        pytest.param({}, {}, [None, None, None], id="none without targets"),
        pytest.param({"a": H, "b": H}, {"a": 2, "b": 1}, ["b", "b", "b"], id="the least busy one"),
    ],
)
def test_a_request_goes_to(state: dict[str, State], outstanding: dict[str, int], chosen: list[str | None]) -> None:
    assert [next_target(list(state), state, outstanding, turn) for turn in range(3)] == chosen
