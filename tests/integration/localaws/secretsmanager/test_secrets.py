"""Secrets Manager keeps versions and rotates as AWS does."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.local_aws import LocalAws, unique
from tests.support.local_secrets import rotate, wait_for_event


@pytest.mark.aws("SM-4")
def test_a_name_is_blocked_while_its_secret_waits_for_deletion(aws: LocalAws) -> None:
    client = aws.client("secretsmanager")
    name = unique("doomed")
    client.create_secret(Name=name, SecretString="x")
    client.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    with pytest.raises(ClientError, match="already scheduled for deletion"):
        client.create_secret(Name=name, SecretString="y")
    with pytest.raises(ClientError, match="marked for deletion"):
        client.put_secret_value(SecretId=name, SecretString="y")
    client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    client.create_secret(Name=name, SecretString="z")


@pytest.mark.aws("SM-2")
def test_a_rotation_drives_the_four_steps(aws: LocalAws, secret: str, rotator: Callable[..., str]) -> None:
    function = rotator()
    first = aws.client("secretsmanager").get_secret_value(SecretId=secret)["VersionId"]
    token = rotate(aws, secret, function)
    wait_for_event(aws, "rotation.succeeded", version_id=token)
    seen = events_of(aws, function)
    assert [event["Step"] for event in seen] == ["createSecret", "setSecret", "testSecret", "finishSecret"]
    assert {(event["SecretId"], event["ClientRequestToken"]) for event in seen} == {(secret, token)}
    assert all(event["RotationToken"] for event in seen)
    assert seen[0]["stages"] == ["AWSPENDING"]
    assert aws.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"] == "new"
    described = aws.client("secretsmanager").describe_secret(SecretId=secret)
    assert described["VersionIdsToStages"] == {first: ["AWSPREVIOUS"], token: ["AWSCURRENT"]}
    assert described["RotationEnabled"]
    assert described["RotationRules"] == {"AutomaticallyAfterDays": 30}
    assert "LastRotatedDate" in described


@pytest.mark.aws("SM-3")
@pytest.mark.parametrize(
    "deployment", [{"permitted": False}, {"source_arn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:other-*"}]
)
def test_secrets_manager_needs_permission_to_invoke(
    aws: LocalAws, secret: str, rotator: Callable[..., str], deployment: dict[str, Any]
) -> None:
    with pytest.raises(ClientError, match=r"AccessDeniedException.*cannot invoke the specified Lambda function"):
        rotate(aws, secret, rotator(**deployment))


def events_of(aws: LocalAws, function_arn: str) -> list[dict[str, Any]]:
    """Return what the rotation function printed of its events, in order."""
    name = function_arn.rpartition(":")[2]
    lines = (aws.directory / "logs" / "functions" / f"{name}.log").read_text().splitlines()
    return [json.loads(line) for line in lines if '"Step"' in line]
