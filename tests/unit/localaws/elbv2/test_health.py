"""When a target is healthy, and who gets the next request."""

import pytest

from localaws.elbv2.health import (
    Check,
    Health,
    Policy,
    State,
    after_check,
    order_of_targets,
    seconds_until_next_check,
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
        pytest.param([PASSED, FAILED, PASSED, FAILED], [H, H, H, H], id="a passed check starts the count anew"),
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


def test_the_reason_for_being_unhealthy_is_kept_until_it_is_healthy() -> None:
    unhealthy = after_check(Health(streak=-1), FAILED, POLICY, now=0)
    assert (unhealthy.reason, unhealthy.description) == ("Target.Timeout", "Request timed out")
    recovering = after_check(unhealthy, PASSED, POLICY, now=2)
    assert recovering.reason == "Target.Timeout"
    healthy = after_check(Health(), PASSED, POLICY, now=0)
    assert (healthy.reason, healthy.description) == (None, None)


def test_checks_come_at_a_tenth_of_the_configured_interval() -> None:
    assert seconds_until_next_check(Health(), POLICY) == pytest.approx(0.2)
    assert seconds_until_next_check(Health(State.HEALTHY), POLICY) == pytest.approx(2)
    assert seconds_until_next_check(Health(State.HEALTHY), Policy(interval_seconds=1)) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("codes", "status", "accepted"),
    [("200", 200, True), ("200", 204, False), ("200,204", 204, True), ("200-299", 250, True), ("200-299", 300, False)],
)
def test_status_codes_are_listed_or_ranged(codes: str, status: int, accepted: bool) -> None:
    assert Policy(codes=codes).accepts(status) is accepted


def order(state: dict[str, State], *, turn: int = 0, algorithm: str = "round_robin", **outstanding: int) -> list[str]:
    return order_of_targets(list(state), state, outstanding, algorithm=algorithm, turn=turn)


def test_only_healthy_targets_are_asked() -> None:
    assert order({"a": H, "b": U, "c": N, "d": H}) == ["a", "d"]


@pytest.mark.aws("ELB-11")
def test_with_no_healthy_target_all_are_asked() -> None:
    assert order({"a": U, "b": N}) == ["a", "b"]


def test_without_targets_there_is_nobody_to_ask() -> None:
    assert order({}) == []


def test_targets_take_turns() -> None:
    assert [order({"a": H, "b": H, "c": H}, turn=turn)[0] for turn in range(4)] == ["a", "b", "c", "a"]


def test_the_least_busy_target_is_asked_first_and_equals_take_turns() -> None:
    state = {"a": H, "b": H, "c": H}
    busy = order(state, algorithm="least_outstanding_requests", a=2, b=1, c=0)
    assert busy == ["c", "b", "a"]
    assert order(state, algorithm="least_outstanding_requests", turn=1)[0] == "b"
