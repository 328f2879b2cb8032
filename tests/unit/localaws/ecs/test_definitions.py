"""Container definitions as ECS stores them, and the capacity providers of tasks."""

from collections import Counter
from typing import Any

import pytest

from localaws.ecs.definitions import as_stored, capacity_provider


@pytest.mark.aws("ECS-2")
@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({}, {"cpu": 0, "environment": [], "mountPoints": [], "portMappings": [], "systemControls": []}),
        (
            {"portMappings": [{"containerPort": 80}]},
            {"portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}]},
        ),
        (
            {"linuxParameters": {"capabilities": {"drop": ["ALL"]}}},
            {"linuxParameters": {"capabilities": {"add": [], "drop": ["ALL"]}}},
        ),
        (
            {"linuxParameters": {"initProcessEnabled": True, "capabilities": {}}},
            {"linuxParameters": {"initProcessEnabled": True}},
        ),
        (
            {"healthCheck": {"command": ["CMD", "x"], "interval": 10}},
            {"healthCheck": {"command": ["CMD", "x"], "interval": 10, "timeout": 5, "retries": 3}},
        ),
    ],
    ids=["lists", "port mapping", "dropped capabilities", "empty capabilities", "health check"],
)
def test_ecs_stores_container_definitions_with_defaults(given: dict[str, Any], stored: dict[str, Any]) -> None:
    assert as_stored(given).items() >= stored.items()


ON_DEMAND, SPOT = "FARGATE", "FARGATE_SPOT"


@pytest.mark.aws("ECS-3")
@pytest.mark.parametrize(
    ("strategy", "of_eight"),
    [
        ([{"capacityProvider": ON_DEMAND, "base": 1}, {"capacityProvider": SPOT, "weight": 100}], {SPOT: 8}),
        (
            [{"capacityProvider": ON_DEMAND, "base": 1, "weight": 1}, {"capacityProvider": SPOT, "weight": 100}],
            {ON_DEMAND: 1, SPOT: 7},
        ),
        (
            [{"capacityProvider": ON_DEMAND, "base": 2, "weight": 1}, {"capacityProvider": SPOT, "weight": 2}],
            {ON_DEMAND: 4, SPOT: 4},
        ),
    ],
    ids=["a base with weight 0", "a base with a weight", "shares"],
)
def test_a_capacity_provider_with_weight_0_places_no_tasks(
    strategy: list[dict[str, Any]], of_eight: dict[str, int]
) -> None:
    placed: Counter[str] = Counter()
    for _ in range(8):
        placed[capacity_provider(strategy, placed)] += 1
    assert placed == of_eight


@pytest.mark.aws("ECS-3")
def test_a_capacity_provider_strategy_without_any_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="a weight greater than 0"):
        capacity_provider([{"capacityProvider": ON_DEMAND, "base": 1}], {})
