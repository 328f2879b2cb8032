"""Requests are checked against botocore's models."""

from typing import Any

import pytest
from moto.core.utils import get_service_model

from localaws.http.validation import violations

NAME = {"clusterName": "c"}


@pytest.mark.parametrize(
    ("operation", "value", "found"),
    [
        ("ecs.CreateCluster", {**NAME, "tags": [{"key": "k", "value": "v"}]}, []),
        (
            "ecs.CreateService",
            {},
            ["Value null at 'serviceName' failed to satisfy constraint: Member must not be null"],
        ),
        ("ecs.CreateCluster", {**NAME, "colour": "red"}, ["Unknown member 'colour'"]),
        ("ecs.CreateService", {"serviceName": "s", "launchType": "MOON"}, ["'MOON' at 'launchType'", "enum value set"]),
        (
            "ecs.CreateCluster",
            {"tags": [{"key": ""}]},
            ["'0' at 'tags.1.member.key'", "length greater than or equal to 1"],
        ),
        ("ecs.TagResource", {"resourceArn": "a", "tags": [{"key": "!" * 200}]}, ["200", "less than or equal to 128"]),
        ("lambda.CreateFunction", {"FunctionName": "f", "Role": "no", "Code": {}}, ["'no' at 'Role'", "pattern"]),
        ("lambda.PutFunctionConcurrency", {"FunctionName": "f", "ReservedConcurrentExecutions": -1}, ["'-1'", "value"]),
        ("secretsmanager.CreateSecret", {"Name": "n", "SecretString": "s" * 65537}, ["'65537' at 'SecretString'"]),
    ],
)
def test_what_a_model_does_not_allow_is_named(operation: str, value: dict[str, Any], found: list[str]) -> None:
    service, _, name = operation.partition(".")
    shape = get_service_model(service).operation_model(name).input_shape
    text = "; ".join(violations(shape, value))
    assert bool(text) == bool(found)
    assert [part for part in found if part not in text] == []
