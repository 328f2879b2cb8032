from rehearsal.deployment import failed_rollout


def test_a_service_that_is_still_rolling_out_is_waited_for() -> None:
    assert failed_rollout({"taproom-dev": {"rollout": "IN_PROGRESS", "events": ["a task failed"]}}) is None


def test_a_first_deployment_that_failed_is_named_with_what_ecs_said() -> None:
    said = failed_rollout({"taproom-dev": {"rollout": "FAILED", "events": ["container migrate exited with 1"]}})
    assert said is not None
    assert "taproom-dev do not start" in said
    assert "container migrate exited with 1" in said
